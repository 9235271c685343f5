using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Inference;

/// <summary>A request over plain HTTP.</summary>
/// <param name="BinaryOutputs">Outputs that are wanted as bytes behind the JSON.</param>
internal sealed record JsonRequest(InferenceCall Call, IReadOnlySet<string> BinaryOutputs);

/// <summary>
/// Requests as JSON, with the bytes of binary tensors behind it. In JSON, elements of BYTES are base64: a picture file is no text. What the protocol does not know is
/// passed over.
/// </summary>
internal static class JsonTensors
{
    private const string BinarySize = "binary_data_size";

    /// <param name="json">The JSON.</param>
    /// <param name="binary">What stands behind it.</param>
    /// <param name="model">As the server calls it.</param>
    /// <param name="version">As asked for.</param>
    /// <param name="thresholds">Of a request that gives none.</param>
    /// <exception cref="InferenceException"/>
    public static JsonRequest Read(
        ReadOnlyMemory<byte> json, ReadOnlyMemory<byte> binary, string model, string version, LoupeOptions options, VerdictThresholds thresholds)
    {
        try
        {
            return ToRequest(ReadBody(json), binary, model, version, options, thresholds);
        }
        // Of a text with half a character in it: InvalidOperationException.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw InferenceException.Invalid($"the JSON of the request cannot be read: {exception.Message}");
        }
    }

    /// <summary>A body that is nothing but one picture.</summary>
    /// <exception cref="InferenceException"/>
    public static JsonRequest OfPicture(ReadOnlyMemory<byte> picture, string model, string version, VerdictThresholds thresholds) => new(
        new InferenceCall(model, version, string.Empty, InferenceParameters.Of([], thresholds), [new EncodedInput(picture)], OutputNames.Usual), new HashSet<string>());

    private static JsonRequest ToRequest(
        Body body, ReadOnlyMemory<byte> binary, string model, string version, LoupeOptions options, VerdictThresholds thresholds)
    {
        var allBinary = body.Parameters.Remove("binary_data_output", out var wanted) && Truth("binary_data_output", wanted);
        var parameters = InferenceParameters.Of(body.Parameters, thresholds);
        foreach (var tensor in body.Inputs.Concat(body.Outputs))
        {
            TensorParameters.Check(tensor.Parameters.Keys);
        }

        var outputs = OutputNames.Check([.. body.Outputs.Select(static output => output.Name)], model);
        var binaryOutputs = (body.Outputs.Count == 0 ? outputs.Where(_ => allBinary)
            : body.Outputs.Where(output => output.Parameters.TryGetValue("binary_data", out var one) ? Truth("binary_data", one) : allBinary).Select(static output => output.Name))
            .ToHashSet(StringComparer.Ordinal);
        if (body.Inputs.Count != 1)
        {
            throw InputCount.Wrong(model, body.Inputs.Select(static input => input.Name));
        }

        var input = body.Inputs[0];
        var shape = ImageShape.Of(model, input.Name, input.Datatype, input.Shape, options.Limits.Credits);
        return new JsonRequest(new InferenceCall(model, version, body.Id, parameters, PicturesOf(input, shape, binary), outputs), binaryOutputs);
    }

    private static IReadOnlyList<FrameInput> PicturesOf(Tensor input, ImageShape shape, ReadOnlyMemory<byte> binary)
    {
        if (input.Parameters.TryGetValue(BinarySize, out var said))
        {
            return input.Data is not null ? throw InferenceException.Invalid($"inference input '{ImageShape.Name}' has both data and {BinarySize}")
                : said is not long size || size != binary.Length ? throw InferenceException.Invalid(
                    $"inference input '{ImageShape.Name}' has {BinarySize} {ShownText.Of($"{said}")}, and {binary.Length} bytes stand behind the JSON")
                : ImageTensor.ReadRaw(shape, binary);
        }

        if (!binary.IsEmpty)
        {
            throw InferenceException.Invalid($"{binary.Length} bytes stand behind the JSON, and no input has a {BinarySize}");
        }

        if (input.Data is not { } data)
        {
            throw InferenceException.Invalid($"inference input '{ImageShape.Name}' has neither data nor {BinarySize}");
        }

        return shape.IsFiles ? ImageTensor.OfFiles(shape, ReadFiles(data.Span, shape.Count)) : ImageTensor.OfPixels(shape, ReadPixels(data.Span, (int)(shape.Count * shape.PictureBytes)));
    }

    private static List<ReadOnlyMemory<byte>> ReadFiles(ReadOnlySpan<byte> data, int count)
    {
        List<ReadOnlyMemory<byte>> files = [];
        var reader = new Utf8JsonReader(data);
        while (reader.Read())
        {
            if (IsElement(reader.TokenType))
            {
                files.Add(reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var file) ? file
                    : throw InferenceException.Invalid($"inference input '{ImageShape.Name}' has an element that is no picture in base64, as elements of {ImageShape.Files} are in JSON"));
                CheckCount(files.Count, count);
            }
        }

        return files;
    }

    private static ReadOnlyMemory<byte> ReadPixels(ReadOnlySpan<byte> data, int count)
    {
        // An element and what parts it from the next.
        var pixels = new byte[Math.Min(count, (data.Length / 2) + 1)];
        var read = 0;
        var reader = new Utf8JsonReader(data);
        while (reader.Read())
        {
            if (IsElement(reader.TokenType))
            {
                CheckCount(read + 1, count);
                pixels[read++] = reader.TokenType == JsonTokenType.Number && reader.TryGetByte(out var value) ? value
                    : throw InferenceException.Invalid($"inference input '{ImageShape.Name}' has an element that is no whole number from 0 to {byte.MaxValue}");
            }
        }

        return pixels.AsMemory(0, read);
    }

    private static bool IsElement(JsonTokenType token) => token is not (JsonTokenType.StartArray or JsonTokenType.EndArray);

    private static void CheckCount(int read, int count)
    {
        if (read > count)
        {
            throw InferenceException.Invalid($"inference input '{ImageShape.Name}' has more elements than its shape, which has {count}");
        }
    }

    private static Body ReadBody(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        var body = new Body();
        ForEachProperty(ref reader, json, (ref reader, name) =>
        {
            switch (name)
            {
                case "id":
                    body.Id = Text(ref reader, name);
                    return true;
                case "parameters":
                    body.Parameters = Parameters(ref reader, json);
                    return true;
                case "inputs":
                    body.Inputs = Tensors(ref reader, json);
                    return true;
                case "outputs":
                    body.Outputs = Tensors(ref reader, json);
                    return true;
                default:
                    return false;
            }
        });
        return reader.Read() ? throw new JsonException("there is more behind its end") : body;
    }

    private static List<Tensor> Tensors(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray, "inputs and outputs are arrays");
        List<Tensor> tensors = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            tensors.Add(ReadTensor(ref reader, json));
        }

        return tensors;
    }

    private static Tensor ReadTensor(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json)
    {
        var tensor = new Tensor();
        ForEachProperty(ref reader, json, (ref reader, name) =>
        {
            switch (name)
            {
                case "name":
                    tensor.Name = Text(ref reader, name);
                    return true;
                case "datatype":
                    tensor.Datatype = Text(ref reader, name);
                    return true;
                case "shape":
                    Expect(reader.TokenType == JsonTokenType.StartArray, "a shape is an array");
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    {
                        Expect(reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out _), "a shape has whole numbers");
                        tensor.Shape.Add(reader.GetInt64());
                    }

                    return true;
                case "parameters":
                    tensor.Parameters = Parameters(ref reader, json);
                    return true;
                case "data":
                    // Its datatype may come later.
                    var start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    tensor.Data = json[start..(int)reader.BytesConsumed];
                    return true;
                default:
                    return false;
            }
        });
        return tensor;
    }

    private static Dictionary<string, object?> Parameters(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json)
    {
        Dictionary<string, object?> parameters = new(StringComparer.Ordinal);
        ForEachProperty(ref reader, json, (ref reader, name) =>
        {
            parameters[name] = reader.TokenType switch
            {
                JsonTokenType.String => reader.GetString(),
                JsonTokenType.True => true,
                JsonTokenType.False => false,
                JsonTokenType.Number => Number(ref reader),
                _ => null,
            };
            return reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject);
        });
        return parameters;
    }

    private static object Number(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out var whole))
        {
            return whole;
        }

        return reader.TryGetUInt64(out var large) ? large : (object)reader.GetDouble();
    }

    /// <param name="take">Called at each value; false: it is passed over.</param>
    private static void ForEachProperty(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json, PropertyReader take)
    {
        Expect(reader.TokenType == JsonTokenType.StartObject, $"an object is expected at byte {reader.TokenStartIndex} of {json.Length}");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (!take(ref reader, name))
            {
                reader.Skip();
            }
        }
    }

    private static string Text(ref Utf8JsonReader reader, string name) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException($"{name} is no text");

    private static bool Truth(string name, object? value) => value is bool truth ? truth : throw InferenceException.Invalid($"parameter '{name}' is neither true nor false");

    private static void Expect(bool holds, string what)
    {
        if (!holds)
        {
            throw new JsonException(what);
        }
    }

    private delegate bool PropertyReader(ref Utf8JsonReader reader, string name);

    private sealed class Body
    {
        public string Id { get; set; } = string.Empty;

        public Dictionary<string, object?> Parameters { get; set; } = [];

        public List<Tensor> Inputs { get; set; } = [];

        public List<Tensor> Outputs { get; set; } = [];
    }

    private sealed class Tensor
    {
        public string Name { get; set; } = string.Empty;

        public string Datatype { get; set; } = string.Empty;

        public List<long> Shape { get; } = [];

        public Dictionary<string, object?> Parameters { get; set; } = [];

        /// <summary>The JSON of it; null: there is none.</summary>
        public ReadOnlyMemory<byte>? Data { get; set; }
    }
}
