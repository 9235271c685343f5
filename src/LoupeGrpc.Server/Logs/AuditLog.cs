using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Logs;

/// <summary>
/// Who opened, ended, administered and was refused, as a JSON object a line in a file that operators keep. Whoever causes an entry never waits for the disk: where
/// it does not follow, entries are left out, and how many stands in the file once it does. Thread-safe.
/// </summary>
internal sealed partial class AuditLog : IHostedService, IDisposable
{
    private const int MaxWaiting = 10_000;
    private const int BatchBytes = 64 << 10;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ILogger<AuditLog> _logger;
    private readonly AuditFile? _file;
    private readonly LogFlood _flood;
    private readonly Channel<(DateTimeOffset At, AuditEntry Entry)> _waiting;
    private readonly ArrayBufferWriter<byte> _lines = new(BatchBytes);
    private readonly CancellationTokenSource _stop = new();
    private Task _writing = Task.CompletedTask;
    private long _leftOut;
    private bool _reopen;

    public AuditLog(LoupeOptions options, TimeProvider time, ILogger<AuditLog> logger)
    {
        (_time, _logger, _flood) = (time, logger, new LogFlood(time));
        _file = options.Audit.File.Length > 0 ? new AuditFile(options.Audit) : null;
        _waiting = Channel.CreateBounded<(DateTimeOffset, AuditEntry)>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    }

    /// <summary>Fails early where the file cannot be written.</summary>
    /// <exception cref="InvalidDataException"/>
    public void Open()
    {
        try
        {
            _file?.Open();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"Loupe:Audit:File cannot be written: {(_file!.IsFolder ? "it is a folder" : exception.Message)}", exception);
        }
    }

    public void Add(AuditEntry entry)
    {
        if (_file is null)
        {
            return;
        }

        // First: a kind that has been silenced may be heard again. What it went without is counted already.
        while (_flood.TryTakeLeftOut(out _, out _))
        {
        }

        // Who is refused may try again thousands of times a second, and must not push everything else out of the file.
        if (!(_flood.Admits(new LogKind(entry.Event, 0), LogLevel.Information) && _waiting.Writer.TryWrite((_time.GetUtcNow(), entry))))
        {
            Interlocked.Increment(ref _leftOut);
        }
    }

    /// <summary>Goes on in the file that has the name now.</summary>
    public void Reopen() => Volatile.Write(ref _reopen, true);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _writing = Task.Run(WriteAllAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>The last entries come while the server stops.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _stop.Dispose();
    }

    private async Task WriteAllAsync()
    {
        while (_file is not null && await _waiting.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            _lines.ResetWrittenCount();
            var count = 0;
            while (_lines.WrittenCount < BatchBytes && _waiting.Reader.TryRead(out var next))
            {
                Write(next.At, next.Entry);
                count++;
            }

            if (!TryKeep(count))
            {
                await Task.Delay(Pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool TryKeep(int count)
    {
        var leftOut = Interlocked.Exchange(ref _leftOut, 0);
        if (leftOut > 0)
        {
            Write(_time.GetUtcNow(), new AuditEntry("left_out", string.Empty, string.Empty, ("count", leftOut)));
        }

        try
        {
            if (Interlocked.Exchange(ref _reopen, false))
            {
                _file!.Close();
            }

            _file!.Write(_lines.WrittenSpan);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Interlocked.Add(ref _leftOut, leftOut + count);
            NotWritten(_logger, exception.Message);
            return false;
        }
    }

    private void Write(DateTimeOffset at, AuditEntry entry)
    {
        using (var json = new Utf8JsonWriter(_lines, LogJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("time"u8, LogJson.TimeText(at));
            json.WriteString("event"u8, entry.Event);
            LogJson.WriteText(json, "identity", entry.Identity);
            json.WriteString("peer"u8, entry.Peer);
            foreach (var (name, value) in entry.Fields)
            {
                LogJson.WriteField(json, name, value);
            }

            json.WriteEndObject();
        }

        _lines.Write("\n"u8);
    }

    [LoggerMessage(EventId = 190, Level = LogLevel.Error, Message = "The audit log cannot be written, and entries are left out until it can: {Reason} (Loupe:Audit:File)")]
    private static partial void NotWritten(ILogger logger, string reason);
}
