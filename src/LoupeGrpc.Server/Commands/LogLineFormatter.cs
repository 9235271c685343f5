using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace LoupeGrpc.Server.Commands;

/// <summary>
/// A line for each message, whatever is in it: names that clients choose could otherwise forge lines, or move the cursor of the terminal that shows them.
/// Of a kind that comes too often (<see cref="LogFlood"/>) nothing is written.
/// </summary>
internal sealed class LogLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    private readonly LogFlood _flood = new(time);

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        // First: a kind that has been silenced may be heard again.
        while (_flood.TryTakeLeftOut(out var kind, out var lines))
        {
            WriteBegin(textWriter, LogLevel.Warning, kind);
            textWriter.Write(string.Create(CultureInfo.InvariantCulture, $"{lines} more lines of this kind were left out; {LogFlood.LinesPerMinute} a minute are written.{Environment.NewLine}"));
        }

        var entry = new LogKind(logEntry.Category, logEntry.EventId.Id);
        if (!_flood.Admits(entry, logEntry.LogLevel))
        {
            return;
        }

        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        WriteBegin(textWriter, logEntry.LogLevel, entry);
        WriteOneLine(textWriter, message);
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(' ');
            WriteOneLine(textWriter, exception.ToString());
        }

        textWriter.Write(Environment.NewLine);
    }

    private void WriteBegin(TextWriter writer, LogLevel level, LogKind kind)
    {
        writer.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        writer.Write($" {Word(level)}: {kind.Category}[{kind.Event}] ");
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };

    private static void WriteOneLine(TextWriter writer, string text)
    {
        foreach (var letter in text)
        {
            writer.Write(letter is '\n' or '\r' or '\t' ? ' ' : char.IsControl(letter) ? '\uFFFD' : letter);
        }
    }
}
