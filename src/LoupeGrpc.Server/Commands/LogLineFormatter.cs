using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace LoupeGrpc.Server.Commands;

/// <summary>
/// A line for each message, whatever is in it: names that clients choose could otherwise forge lines, or move the cursor of the terminal that shows them.
/// </summary>
internal sealed class LogLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        textWriter.Write($" {Word(logEntry.LogLevel)}: {logEntry.Category}[{logEntry.EventId.Id}] ");
        WriteOneLine(textWriter, message);
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(' ');
            WriteOneLine(textWriter, exception.ToString());
        }

        textWriter.Write(Environment.NewLine);
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
