using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace LoupeGrpc.Server.Logs;

/// <summary>What the forms of the log share: a line for each message, and of a kind that comes too often (<see cref="LogFlood"/>) none.</summary>
internal abstract class LogFormatter(string name, TimeProvider time) : ConsoleFormatter(name)
{
    private readonly LogFlood _flood = new(time);

    /// <summary>Now, in UTC, with milliseconds.</summary>
    protected string TimeText => LogJson.TimeText(time.GetUtcNow());

    public sealed override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        // First: a kind that has been silenced may be heard again.
        while (_flood.TryTakeLeftOut(out var silenced, out var lines))
        {
            WriteLeftOut(
                textWriter,
                silenced,
                string.Create(CultureInfo.InvariantCulture, $"{lines} more lines of this kind were left out; {LogFlood.LinesPerMinute} a minute are written."));
        }

        var kind = new LogKind(logEntry.Category, logEntry.EventId.Id);
        if (_flood.Admits(kind, logEntry.LogLevel))
        {
            WriteEntry(textWriter, logEntry, kind, logEntry.Formatter(logEntry.State, logEntry.Exception));
        }
    }

    /// <summary>Writes that lines of a kind were left out: a warning.</summary>
    protected abstract void WriteLeftOut(TextWriter output, LogKind kind, string message);

    protected abstract void WriteEntry<TState>(TextWriter output, in LogEntry<TState> entry, LogKind kind, string message);
}
