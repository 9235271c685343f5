using System.Text.Json;

namespace LoupeGrpc.Packaging;

/// <summary>The JSON header of a safetensors file, checked as strictly as the reference implementation does.</summary>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, SafetensorsTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The header's length stands before it as a little-endian 64-bit number.</summary>
    internal const int LengthBytes = 8;

    /// <summary>The reference implementation's own limit.</summary>
    internal const int MaxBytes = 100_000_000;

    internal const string MetadataKey = "__metadata__";

    private const int MaxDimensions = 32;

    /// <param name="dataLength">Bytes of the file behind the header.</param>
    /// <exception cref="SafetensorsException">Something in it does not hold.</exception>
    internal static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> json, long dataLength)
    {
        var tensors = new Dictionary<string, SafetensorsTensor>(StringComparer.Ordinal);
        Dictionary<string, string>? metadata = null;
        try
        {
            var reader = new Utf8JsonReader(json);
            Expect(path, ref reader, JsonTokenType.StartObject, "its header is not an object");
            while (ReadKey(ref reader, out var name))
            {
                if (name == MetadataKey)
                {
                    metadata = metadata is null
                        ? ReadMetadata(path, ref reader)
                        : throw new SafetensorsException(path, $"{MetadataKey} appears twice in its header");
                }
                else if (!tensors.TryAdd(name, ReadTensor(path, name, ref reader, LengthBytes + json.Length)))
                {
                    throw new SafetensorsException(path, $"tensor {name} appears twice in its header");
                }
            }

            // Only white space may follow; anything else throws.
            reader.Read();
        }
        catch (JsonException exception)
        {
            throw new SafetensorsException(path, $"its header is not JSON ({exception.Message.TrimEnd('.')})", exception);
        }
        catch (InvalidOperationException exception)
        {
            // What the reader throws for text that is not UTF-8.
            throw new SafetensorsException(path, "its header has text that is not UTF-8", exception);
        }

        CheckLayout(path, tensors.Values, LengthBytes + json.Length, dataLength);
        return new SafetensorsHeader(tensors, metadata ?? []);
    }

    internal static string NameOf(ElementType type) => type switch
    {
        ElementType.Float64 => "F64",
        ElementType.Float32 => "F32",
        ElementType.Float16 => "F16",
        ElementType.BFloat16 => "BF16",
        ElementType.Int64 => "I64",
        ElementType.Int32 => "I32",
        ElementType.Int16 => "I16",
        ElementType.Int8 => "I8",
        ElementType.UInt8 => "U8",
        ElementType.Bool => "BOOL",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    private static SafetensorsTensor ReadTensor(string path, string name, ref Utf8JsonReader reader, long dataStart)
    {
        ElementType? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        Expect(path, ref reader, JsonTokenType.StartObject, $"the entry of tensor {name} in its header is not an object");
        while (ReadKey(ref reader, out var key))
        {
            switch (key)
            {
                case "dtype" when type is null:
                    type = ReadType(path, name, ref reader);
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(path, $"the shape of tensor {name}", ref reader);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(path, $"data_offsets of tensor {name}", ref reader);
                    break;
                default:
                    throw new SafetensorsException(path, $"tensor {name} has an unknown or repeated entry {key}");
            }
        }

        if (type is null || shape is null || offsets is not [var begin, var end])
        {
            throw new SafetensorsException(path, $"tensor {name} needs dtype, shape and two data_offsets");
        }

        var tensor = new SafetensorsTensor(name, type.Value, shape.AsReadOnly()) { Offset = dataStart + begin };
        long bytes;
        try
        {
            bytes = tensor.ByteLength;
            _ = checked(dataStart + end);
        }
        catch (OverflowException exception)
        {
            throw new SafetensorsException(path, $"tensor {name} has an impossible size [{string.Join(", ", shape)}]", exception);
        }

        return end - begin == bytes
            ? tensor
            : throw new SafetensorsException(path, $"tensor {name} is {type} [{string.Join(", ", shape)}], {bytes} bytes, but data_offsets {begin} to {end} are {end - begin}");
    }

    private static ElementType ReadType(string path, string name, ref Utf8JsonReader reader)
    {
        Expect(path, ref reader, JsonTokenType.String, $"the dtype of tensor {name} is not text");
        var text = reader.GetString()!;
        foreach (var type in Enum.GetValues<ElementType>())
        {
            if (NameOf(type) == text)
            {
                return type;
            }
        }

        throw new SafetensorsException(path, $"tensor {name} has the element type {text}, which is not one of {string.Join(", ", Enum.GetValues<ElementType>().Select(NameOf))}");
    }

    private static List<long> ReadNumbers(string path, string what, ref Utf8JsonReader reader)
    {
        Expect(path, ref reader, JsonTokenType.StartArray, $"{what} is not a list");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                throw new SafetensorsException(path, $"{what} must hold only whole numbers, 0 or above");
            }

            if (numbers.Count == MaxDimensions)
            {
                throw new SafetensorsException(path, $"{what} has more than {MaxDimensions} entries");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private static Dictionary<string, string> ReadMetadata(string path, ref Utf8JsonReader reader)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        Expect(path, ref reader, JsonTokenType.StartObject, $"{MetadataKey} is not an object");
        while (ReadKey(ref reader, out var key))
        {
            Expect(path, ref reader, JsonTokenType.String, $"{MetadataKey} entry {key} is not text");
            if (!metadata.TryAdd(key, reader.GetString()!))
            {
                throw new SafetensorsException(path, $"{MetadataKey} has the entry {key} twice");
            }
        }

        return metadata;
    }

    /// <summary>Inside an object: the next key, or false at its end.</summary>
    private static bool ReadKey(ref Utf8JsonReader reader, out string key)
    {
        reader.Read();
        key = reader.TokenType == JsonTokenType.PropertyName ? reader.GetString()! : string.Empty;
        return reader.TokenType == JsonTokenType.PropertyName;
    }

    private static void Expect(string path, ref Utf8JsonReader reader, JsonTokenType type, string otherwise)
    {
        reader.Read();
        if (reader.TokenType != type)
        {
            throw new SafetensorsException(path, otherwise);
        }
    }

    /// <summary>The data must fill the file exactly: a gap, an overlap or a tail means that the file is not what its header says.</summary>
    private static void CheckLayout(string path, IEnumerable<SafetensorsTensor> tensors, long dataStart, long dataLength)
    {
        var position = dataStart;
        string? previous = null;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.ByteLength))
        {
            if (tensor.Offset != position)
            {
                var fault = tensor.Offset < position ? $"overlaps {previous}" : $"leaves {tensor.Offset - position} bytes unused before it";
                throw new SafetensorsException(path, $"the data of tensor {tensor.Name} {fault}");
            }

            position += tensor.ByteLength;
            previous = tensor.Name;
        }

        if (position - dataStart != dataLength)
        {
            var fault = position - dataStart > dataLength ? "it is cut off" : "it has more bytes after its tensors";
            throw new SafetensorsException(path, $"{fault} (its tensors take {position - dataStart} bytes, the file has {dataLength} for them)");
        }
    }
}
