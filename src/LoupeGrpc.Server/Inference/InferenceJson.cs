using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Inference;

namespace LoupeGrpc.Server.Inference;

/// <summary>Answers as JSON, with the bytes of binary tensors behind it.</summary>
internal static class InferenceJson
{
    public const string ContentType = "application/json";

    /// <summary>Counts of masks are letters and signs that stand for themselves in JSON.</summary>
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task WriteAsync(HttpContext http, JsonNode json)
    {
        http.Response.ContentType = ContentType;
        return http.Response.WriteAsync(json.ToJsonString(), http.RequestAborted);
    }

    /// <param name="binary">Outputs that are wanted as bytes.</param>
    /// <returns>The body, and how many bytes of it are JSON.</returns>
    public static (ReadOnlyMemory<byte> Body, int JsonLength) Write(InferenceAnswer answer, IReadOnlySet<string> binary)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, Writing))
        {
            Write(json, answer, binary);
        }

        var length = body.WrittenCount;
        foreach (var output in answer.Outputs.Where(output => binary.Contains(output.Name)))
        {
            output.WriteRaw(body.GetSpan(output.RawLength)[..output.RawLength]);
            body.Advance(output.RawLength);
        }

        return (body.WrittenMemory, length);
    }

    public static JsonObject Of(ServerMetadataResponse server) => new() { ["name"] = server.Name, ["version"] = server.Version, ["extensions"] = Texts(server.Extensions) };

    public static JsonObject Of(ModelMetadataResponse model) => new()
    {
        ["name"] = model.Name,
        ["versions"] = Texts(model.Versions),
        ["platform"] = model.Platform,
        ["inputs"] = Tensors(model.Inputs),
        ["outputs"] = Tensors(model.Outputs),
        ["parameters"] = Parameters(model.Parameters),
    };

    public static JsonObject Of(ModelConfig config) => new()
    {
        ["name"] = config.Name,
        ["platform"] = config.Platform,
        ["backend"] = config.Backend,
        ["max_batch_size"] = config.MaxBatchSize,
        ["input"] = new JsonArray([.. config.Input.Select(static input => Tensor(input.Name, input.DataType, input.Dims))]),
        ["output"] = new JsonArray([.. config.Output.Select(static output => Tensor(output.Name, output.DataType, output.Dims))]),
    };

    public static JsonObject Of(RepositoryIndexResponse.Types.ModelIndex model) =>
        new() { ["name"] = model.Name, ["version"] = model.Version, ["state"] = model.State, ["reason"] = model.Reason };

    public static JsonObject Of(IEnumerable<ModelStatistics> statistics) => new()
    {
        ["model_stats"] = new JsonArray([.. statistics.Select(static model => new JsonObject
        {
            ["name"] = model.Name,
            ["version"] = model.Version,
            ["last_inference"] = model.LastInference,
            ["inference_count"] = model.InferenceCount,
            ["execution_count"] = model.ExecutionCount,
            ["inference_stats"] = new JsonObject
            {
                ["success"] = Of(model.InferenceStats.Success),
                ["fail"] = Of(model.InferenceStats.Fail),
                ["queue"] = Of(model.InferenceStats.Queue),
                ["compute_input"] = Of(model.InferenceStats.ComputeInput),
                ["compute_infer"] = Of(model.InferenceStats.ComputeInfer),
                ["compute_output"] = Of(model.InferenceStats.ComputeOutput),
            },
        })]),
    };

    private static void Write(Utf8JsonWriter json, InferenceAnswer answer, IReadOnlySet<string> binary)
    {
        json.WriteStartObject();
        json.WriteString("model_name", answer.Model);
        json.WriteString("model_version", answer.Version);
        if (answer.Id.Length > 0)
        {
            json.WriteString("id", answer.Id);
        }

        if (answer.Parameters.Count > 0)
        {
            json.WritePropertyName("parameters");
            new JsonObject([.. answer.Parameters.Select(static parameter => KeyValuePair.Create(parameter.Key, (JsonNode?)JsonValue.Create(parameter.Value)))]).WriteTo(json);
        }

        json.WriteStartArray("outputs");
        foreach (var output in answer.Outputs)
        {
            json.WriteStartObject();
            json.WriteString("name", output.Name);
            json.WriteString("datatype", output.Datatype);
            json.WriteStartArray("shape");
            foreach (var length in output.Shape)
            {
                json.WriteNumberValue(length);
            }

            json.WriteEndArray();
            if (binary.Contains(output.Name))
            {
                json.WriteStartObject("parameters");
                json.WriteNumber("binary_data_size", output.RawLength);
                json.WriteEndObject();
            }
            else
            {
                WriteData(json, output);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteData(Utf8JsonWriter json, OutputTensor output)
    {
        json.WriteStartArray("data");
        switch (output)
        {
            case FloatTensor floats:
                foreach (var value in floats.Parts.SelectMany(static part => MemoryMarshal.ToEnumerable(part)))
                {
                    json.WriteNumberValue(value);
                }

                break;
            case IntegerTensor integers:
                foreach (var value in integers.Values)
                {
                    json.WriteNumberValue(value);
                }

                break;
            case TextTensor texts:
                foreach (var element in texts.Elements)
                {
                    json.WriteStringValue(element.Span);
                }

                break;
        }

        json.WriteEndArray();
    }

    private static JsonObject Of(StatisticDuration duration) => new() { ["count"] = duration.Count, ["ns"] = duration.Ns };

    private static JsonArray Tensors(IEnumerable<ModelMetadataResponse.Types.TensorMetadata> tensors) => new([.. tensors.Select(static tensor => new JsonObject
    {
        ["name"] = tensor.Name, ["datatype"] = tensor.Datatype, ["shape"] = Lengths(tensor.Shape), ["parameters"] = Parameters(tensor.Parameters),
    })]);

    private static JsonObject Tensor(string name, DataType type, IEnumerable<long> lengths) => new()
    {
        ["name"] = name,
        ["data_type"] = type switch
        {
            DataType.TypeFp32 => "TYPE_FP32",
            DataType.TypeInt64 => "TYPE_INT64",
            _ => "TYPE_STRING",
        },
        ["dims"] = Lengths(lengths),
    };

    private static JsonObject Parameters(IEnumerable<KeyValuePair<string, InferParameter>> parameters) => new([.. parameters.Select(static parameter => KeyValuePair.Create(
        parameter.Key,
        parameter.Value.ParameterChoiceCase == InferParameter.ParameterChoiceOneofCase.BoolParam ? (JsonNode?)parameter.Value.BoolParam : parameter.Value.StringParam))]);

    private static JsonArray Lengths(IEnumerable<long> lengths) => new([.. lengths.Select(static length => JsonValue.Create(length))]);

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(static text => JsonValue.Create(text))]);
}
