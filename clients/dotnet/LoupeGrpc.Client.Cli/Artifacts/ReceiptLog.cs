using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Receipts;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>The file of `--receipts`: one receipt a line, written as soon as it is there.</summary>
internal sealed class ReceiptLog : IOutcomeSink, IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly bool _append;
    private string? _failure;
    private int _count;

    private ReceiptLog(string path, FileStream file, bool append) => (_path, _file, _append) = (path, file, append);

    /// <summary>Whether receipts are missing in it.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>Finds out whether the file can be written. What is in it stays until <see cref="Begin"/>.</summary>
    /// <param name="append">And after it: the run goes on where another ended.</param>
    /// <exception cref="CliException">The file cannot be written.</exception>
    public static ReceiptLog Open(string path, bool append)
    {
        try
        {
            // Without a buffer: what a full disk did not take would be written once more when the file is closed.
            var file = new FileStream(path, FileMode.OpenOrCreate, append ? FileAccess.ReadWrite : FileAccess.Write, FileShare.Read, bufferSize: 0);
            return new ReceiptLog(path, file, append);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw CliException.Usage($"--receipts {path}: cannot be written: {FileErrors.Reason(error)}");
        }
    }

    /// <summary>To be told before anything else.</summary>
    /// <exception cref="CliException">The server signs none: nothing that follows would have one.</exception>
    public void Begin(SessionGrant grant)
    {
        if (!grant.Receipts)
        {
            var reason = grant.Unavailable.FirstOrDefault(static missing => missing.Feature == "receipts")?.Reason ?? "this server knows no receipts";
            throw CliException.Usage($"--receipts: {reason}");
        }

        // A device or a pipe takes what comes.
        if (RegularFile.Status(_path)?.Kind == FileKind.Regular)
        {
            _file.SetLength(_append ? LengthOfWholeLines() : 0);
            _file.Seek(0, SeekOrigin.End);
        }
    }

    public void Write(OutcomeRow row)
    {
        if (row.Outcome is LoupeResult { Result.Receipt: { IsEmpty: false } receipt })
        {
            Write(receipt.Span);
        }
    }

    /// <summary>That none follows.</summary>
    /// <param name="summary">Null: the session had no end that we know of.</param>
    public void Complete(SessionSummary? summary)
    {
        if (summary is { Receipt: { IsEmpty: false } receipt })
        {
            Write(receipt.Span);
        }
    }

    /// <summary>For the summary.</summary>
    public IEnumerable<string> Lines() => [_failure is null ? $"{_count} receipts in {_path}" : $"error: {_failure}"];

    public void Dispose() => _file.Dispose();

    /// <summary>A run that was killed may have left half a line.</summary>
    private long LengthOfWholeLines()
    {
        var end = new byte[Math.Min(_file.Length, Receipt.MaxBytes)];
        _file.Seek(-end.Length, SeekOrigin.End);
        _file.ReadExactly(end);
        return end.AsSpan().LastIndexOf((byte)'\n') is >= 0 and var last ? _file.Length - end.Length + last + 1 : _file.Length - end.Length;
    }

    private void Write(ReadOnlySpan<byte> receipt)
    {
        if (HasFailed)
        {
            return;
        }

        try
        {
            _file.Write([.. receipt, (byte)'\n']);
            _count++;
        }
        catch (IOException error)
        {
            _failure = FileErrors.Of(error, $"{_path} does not have all receipts").Message;
        }
    }
}
