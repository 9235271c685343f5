using System.Buffers;
using System.Text.Json;

namespace LoupeGrpc.Client.Cli.Output;

/// <summary>One JSON object a line, written as soon as it is there.</summary>
internal sealed class JsonLinesWriter(Stream output) : IOutcomeSink
{
    private readonly ArrayBufferWriter<byte> _line = new();

    /// <summary>What is added to the lines of the file that `--skip-done` reads.</summary>
    public Func<OutcomeRow, DoneMark?> MarkOf { get; init; } = _ => null;

    /// <exception cref="JsonException">It is not a line as this class writes them.</exception>
    public static OutcomeLine? Read(ReadOnlySpan<byte> line) => JsonSerializer.Deserialize(line, OutcomeLine.Json.OutcomeLine);

    public void Write(OutcomeRow row)
    {
        _line.ResetWrittenCount();
        (row.ToLine() with { Done = MarkOf(row) }).WriteTo(_line);
        _line.Write("\n"u8);
        output.Write(_line.WrittenSpan);
        output.Flush();
    }
}
