using LoupeGrpc.Launch;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.Server.Logs;

/// <summary>
/// A line of text for each message, whatever is in it: names that clients choose could otherwise forge lines, or move the cursor of the terminal that shows them.
/// </summary>
internal sealed class LogLineFormatter(TimeProvider time) : LogFormatter(FormatterName, time)
{
    public const string FormatterName = "line";

    protected override void WriteLeftOut(TextWriter output, LogKind kind, string message)
    {
        WriteBegin(output, LogLevel.Warning, kind);
        output.WriteLine(message);
    }

    protected override void WriteEntry<TState>(TextWriter output, in LogEntry<TState> entry, LogKind kind, string message)
    {
        WriteBegin(output, entry.LogLevel, kind);
        WriteOneLine(output, message);
        if (entry.Exception is { } exception)
        {
            output.Write(' ');
            WriteOneLine(output, exception.ToString());
        }

        output.WriteLine();
    }

    private void WriteBegin(TextWriter output, LogLevel level, LogKind kind) => output.Write($"{TimeText} {Word(level)}: {kind.Category}[{kind.Event}] ");

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };

    private static void WriteOneLine(TextWriter output, string text)
    {
        foreach (var letter in text)
        {
            output.Write(letter is '\n' or '\r' or '\t' ? ' ' : TerminalLetters.IsHarmful(letter) ? '\uFFFD' : letter);
        }
    }
}
