using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoupeGrpc.Client.Cli.Running;

namespace LoupeGrpc.Client.Cli.Output;

/// <summary>One JSON object a line, written as soon as it is there.</summary>
internal sealed class JsonLinesWriter(Stream output) : IOutcomeSink
{
    /// <summary>JSON has no word for what is not a number; as text it costs no row.</summary>
    private static readonly OutcomeJson Json = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    });

    /// <summary>Run lengths are full of &lt; and &gt;, which only matter inside HTML.</summary>
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _line = new();

    /// <summary>What is added to the lines of the file that `--skip-done` reads.</summary>
    public Func<OutcomeRow, DoneMark?> MarkOf { get; init; } = _ => null;

    /// <exception cref="JsonException">It is not a line as this class writes them.</exception>
    public static OutcomeLine? Read(ReadOnlySpan<byte> line) => JsonSerializer.Deserialize(line, Json.OutcomeLine);

    public void Write(OutcomeRow row)
    {
        _line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line, WriterOptions))
        {
            JsonSerializer.Serialize(json, OutcomeLine.From(row) with { Done = MarkOf(row) }, Json.OutcomeLine);
        }

        _line.Write("\n"u8);
        output.Write(_line.WrittenSpan);
        output.Flush();
    }
}

[JsonSerializable(typeof(OutcomeLine))]
internal sealed partial class OutcomeJson : JsonSerializerContext;
