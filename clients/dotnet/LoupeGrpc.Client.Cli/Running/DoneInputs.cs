using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>
/// `results.jsonl` in the output folder: the results of all runs with `--skip-done`, a line each as `--format jsonl` has it, with a <see cref="DoneMark"/>.
/// A later run passes over what is in it and has not changed. Locked while a run lasts.
/// </summary>
internal sealed class DoneInputs : IOutcomeSink, IDisposable
{
    public const string FileName = "results.jsonl";

    /// <summary>Without a buffer: what a full disk did not take would be written once more when the file is closed.</summary>
    private static readonly FileStreamOptions Opening =
        new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };

    private readonly FileStream _file;
    private readonly JsonLinesWriter _writer;
    private readonly AnalysisOptions _options;
    private readonly Dictionary<string, DoneInput> _done = new(StringComparer.Ordinal);
    private SessionGrant _grant = new();
    private string? _failure;

    private DoneInputs(string path, FileStream file, AnalysisOptions options)
    {
        Path = path;
        _file = file;
        _options = options;
        _writer = new JsonLinesWriter(file) { MarkOf = MarkOf };
    }

    public string Path { get; }

    /// <summary>Whether results are missing in it.</summary>
    public bool HasFailed => _failure is not null;

    /// <exception cref="CliException">The file cannot be read or written, or another run writes it.</exception>
    public static DoneInputs Open(AnalysisOptions options)
    {
        var path = System.IO.Path.Combine(options.Output, FileName);
        try
        {
            Directory.CreateDirectory(options.Output);
            var inputs = new DoneInputs(path, new FileStream(path, Opening), options);
            try
            {
                inputs.Read();
                return inputs;
            }
            catch
            {
                inputs.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--skip-done: {path} cannot be used (another run may be writing it): {error.Message}");
        }
    }

    /// <summary>To be told before anything else: model and thresholds in force are part of what was asked for.</summary>
    public void Begin(SessionGrant grant) => _grant = grant;

    /// <returns>What the earlier run found; null when the input has to be analysed.</returns>
    public DoneInput? Find(SourceItem item)
    {
        if (item is not FileItem { File: var file }
            || !_done.TryGetValue(Key(file), out var done)
            || done.Mark.Model != ModelHash
            || done.Mark.Settings != Settings)
        {
            return null;
        }

        try
        {
            return RegularFile.Status(file) is { } status && status.Size == done.Mark.Size
                // A copy or a checkout has other times and the same bytes.
                && (status.Modified == done.Mark.Modified || Convert.ToHexStringLower(RegularFile.Hash(file)) == done.Sha256)
                ? done
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has its row, which says why it cannot be read.
            return null;
        }
    }

    /// <summary>Remembers a result. What failed is tried again by the next run.</summary>
    public void Write(OutcomeRow row)
    {
        if (HasFailed || row is not { Outcome: LoupeResult, Item: FileItem })
        {
            return;
        }

        try
        {
            _writer.Write(row);
        }
        catch (IOException error)
        {
            // What was written of the line is cut off by the next run.
            _failure = FileErrors.Of(error, $"{Path} does not have all results").Message;
        }
    }

    /// <summary>For the summary.</summary>
    public IEnumerable<string> Lines() => [_failure is null ? $"results of this and earlier runs: {Path}" : $"error: {_failure}"];

    public void Dispose() => _file.Dispose();

    private string ModelHash => _grant.Model?.Hash ?? "";

    private string Settings => string.Create(
        CultureInfo.InvariantCulture,
        $"thresholds={_grant.Thresholds?.Low},{_grant.Thresholds?.High} mask={_options.Mask} tiles={_grant.Tiles?.Policy},{_grant.Tiles?.MaxTiles} masks={_options.SaveMasks} overlays={_options.SaveOverlays} side-by-side={_options.SideBySide} export={_options.ExportLoupe}{(_options.Receipts is { } receipts ? $" receipts={receipts}" : "")}");

    private DoneMark? MarkOf(OutcomeRow row) => row.Item is FileItem { File: var file, StatusWhenRead: { } status }
        ? new DoneMark(Key(file), status.Size, status.Modified, ModelHash, Settings)
        : null;

    private static string Key(string file) => PathText.Show(System.IO.Path.GetFullPath(file));

    /// <summary>A run that was killed may have left half a line, which is cut off: its input is analysed again.</summary>
    private void Read()
    {
        var buffer = new byte[64 * 1024];
        long whole = 0;
        int read, filled = 0;
        while ((read = _file.Read(buffer, filled, buffer.Length - filled)) > 0)
        {
            filled += read;
            var start = 0;
            for (int length; (length = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0; start += length + 1)
            {
                if (Parse(buffer.AsSpan(start, length)) is { } done)
                {
                    _done[done.Mark.File] = done;
                }
            }

            whole += start;
            filled -= start;
            buffer.AsSpan(start, filled).CopyTo(buffer);
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, 2 * buffer.Length);
            }
        }

        _file.SetLength(whole);
        _file.Position = whole;
    }

    private static DoneInput? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonLinesWriter.Read(line) is { Done: { } mark, Score: { } score, Sha256: { } sha256, Verdict: { } verdict } result
                ? new DoneInput(mark, sha256, WireName.Parse<Verdict>(verdict), score, result.MaskFile, result.OverlayFile)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
