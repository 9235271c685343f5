using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LoupeGrpc.Packaging;

/// <summary>
/// Writes a safetensors file front to back: the tensors are declared first, then their data follows in the same order, in pieces of any size.
/// The same tensors, metadata and data give the same bytes. Not thread-safe.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly Stream _destination;
    private readonly IReadOnlyList<SafetensorsTensor> _tensors;
    private int _current;
    private long _writtenOfCurrent;

    /// <summary>Writes the header.</summary>
    /// <param name="destination">Stays open; needs no seeking.</param>
    /// <param name="tensors">In the order in which their data will come.</param>
    /// <param name="metadata">Written in ordinal order of its keys.</param>
    public SafetensorsWriter(Stream destination, IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        _destination = destination;
        _tensors = tensors;
        if (tensors.Select(tensor => tensor.Name).Append(SafetensorsHeader.MetadataKey).GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"{twice.Key} is declared twice or reserved.", nameof(tensors));
        }

        WriteHeader(metadata);
        SkipComplete();
    }

    /// <summary>Writes tensors that are in memory to a new file, replacing one that is there.</summary>
    public static void Write(string path, IEnumerable<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var all = tensors.ToList();
        using var file = File.Create(path);
        var writer = new SafetensorsWriter(file, [.. all.Select(tensor => new SafetensorsTensor(tensor.Name, ElementType.Float32, tensor.Shape))], metadata);
        foreach (var (name, _, values) in all)
        {
            writer.Append(name, values.Span);
        }

        writer.Complete();
    }

    /// <summary>Appends the next bytes of a tensor.</summary>
    /// <param name="name">The tensor whose turn it is.</param>
    /// <exception cref="InvalidOperationException">It is another tensor's turn, or the tensor would grow past its declared size.</exception>
    public void Append(string name, ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return;
        }

        if (_current == _tensors.Count || _tensors[_current].Name != name)
        {
            throw new InvalidOperationException($"Data of {name} came where {(_current == _tensors.Count ? "nothing" : _tensors[_current].Name)} was expected.");
        }

        if (data.Length > _tensors[_current].ByteLength - _writtenOfCurrent)
        {
            throw new InvalidOperationException($"{name} was declared with {_tensors[_current].ByteLength} bytes and got more.");
        }

        _destination.Write(data);
        _writtenOfCurrent += data.Length;
        SkipComplete();
    }

    /// <summary>Appends the next elements of a tensor declared as <see cref="ElementType.Float32"/>.</summary>
    /// <inheritdoc cref="Append(string, ReadOnlySpan{byte})"/>
    public void Append(string name, ReadOnlySpan<float> values) => Append(name, MemoryMarshal.AsBytes(values));

    /// <summary>Ends the file.</summary>
    /// <exception cref="InvalidOperationException">A declared tensor did not get all its data.</exception>
    public void Complete()
    {
        if (_current != _tensors.Count)
        {
            throw new InvalidOperationException($"{_tensors[_current].Name} got {_writtenOfCurrent} of its {_tensors[_current].ByteLength} bytes.");
        }

        _destination.Flush();
    }

    private void SkipComplete()
    {
        while (_current < _tensors.Count && _writtenOfCurrent == _tensors[_current].ByteLength)
        {
            _current++;
            _writtenOfCurrent = 0;
        }
    }

    private void WriteHeader(IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            var offset = 0L;
            foreach (var tensor in _tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", SafetensorsHeader.NameOf(tensor.ElementType));
                WriteNumbers(json, "shape", tensor.Shape);
                WriteNumbers(json, "data_offsets", [offset, checked(offset + tensor.ByteLength)]);
                json.WriteEndObject();
                offset += tensor.ByteLength;
            }

            json.WriteEndObject();
        }

        // Padded, so that the data begins at a multiple of 8 and can be used where it is mapped.
        const int Alignment = 8;
        var padding = -buffer.WrittenCount & (Alignment - 1);
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);

        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(length, buffer.WrittenCount);
        _destination.Write(length);
        _destination.Write(buffer.WrittenSpan);
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
