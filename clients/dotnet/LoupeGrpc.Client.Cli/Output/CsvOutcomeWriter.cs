using CsvHelper;

namespace LoupeGrpc.Client.Cli.Output;

/// <summary>CSV with a header line. Text that a spreadsheet would run as a formula is escaped.</summary>
internal sealed class CsvOutcomeWriter : IOutcomeSink, IDisposable
{
    private static readonly string[] Columns =
    [
        "path", "frame_id", "time_s", "outcome", "score", "verdict", "width", "height", "mask_area", "regions", "notes", "sha256", "total_ms",
        "provider", "reason", "error_code", "error_message", "source", "mask_file", "overlay_file",
    ];

    private readonly CsvWriter _csv;

    private readonly bool _isPrintable;

    private readonly bool _explains;

    private readonly bool _temporal;

    /// <param name="output">Left open.</param>
    /// <param name="isPrintable">For a terminal, which names must not be able to drive; files get every character.</param>
    /// <param name="explains">A column for the sentences of results.</param>
    /// <param name="temporal">Columns for verdicts over time.</param>
    public CsvOutcomeWriter(Stream output, bool isPrintable = false, bool explains = false, bool temporal = false)
    {
        _isPrintable = isPrintable;
        _explains = explains;
        _csv = CsvWriter.Create(output, CsvWriterOptions.Default with { Injection = CsvInjection.Escape }, leaveOpen: true);
        _temporal = temporal;
        string[] temporalColumns = temporal ? ["temporal_verdict", "temporal_score", "scene"] : [];
        string[] sentences = explains ? ["explanation"] : [];
        _csv.WriteHeader([.. Columns, .. temporalColumns, .. sentences]);
        _csv.Flush();
    }

    public void Write(OutcomeRow row)
    {
        var line = row.ToLine();
        _csv.WriteField(Text(line.Path));
        _csv.WriteField<ulong>(line.FrameId);
        _csv.WriteField(line.TimeSeconds);
        _csv.WriteField(line.Outcome);
        _csv.WriteField(line.Score);
        _csv.WriteField(line.Verdict);
        _csv.WriteField(line.Width);
        _csv.WriteField(line.Height);
        _csv.WriteField(line.MaskArea);
        _csv.WriteField(line.Regions?.Count);
        _csv.WriteField(line.Notes is { } notes ? string.Join(' ', notes.Select(note => note.Code)) : null);
        _csv.WriteField(line.Sha256);
        _csv.WriteField(line.Timings?.Total);
        _csv.WriteField(line.Provider);
        _csv.WriteField(line.Reason);
        _csv.WriteField(line.Error?.Code);
        _csv.WriteField(Text(line.Error?.Message));
        _csv.WriteField(Text(line.Source));
        _csv.WriteField(Text(line.MaskFile));
        _csv.WriteField(Text(line.OverlayFile));
        if (_temporal)
        {
            _csv.WriteField(line.Temporal?.Verdict);
            _csv.WriteField(line.Temporal?.Score);
            _csv.WriteField(line.Temporal?.Scene);
        }

        if (_explains)
        {
            _csv.WriteField(Text(line.Explanation is { } sentences ? string.Join(' ', sentences.Select(static sentence => sentence.Text)) : null));
        }

        _csv.EndRecord();
        _csv.Flush();
    }

    private string? Text(string? text) => _isPrintable && text is not null ? Printable.Text(text) : text;

    public void Dispose() => _csv.Dispose();
}
