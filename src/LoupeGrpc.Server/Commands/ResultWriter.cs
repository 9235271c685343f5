using System.Text;
using LoupeGrpc.Launch;

namespace LoupeGrpc.Server.Commands;

/// <summary>Standard output cannot be written. The message says why.</summary>
/// <param name="isClosed">The program was started without one.</param>
internal sealed class OutputException(Exception reason, bool isClosed) : Exception(
    isClosed ? "standard output is closed: there is nowhere to show it (> /dev/null throws it away)" : $"standard output cannot be written: {reason.GetBaseException().Message}", reason)
{
    public bool IsClosed { get; } = isClosed;

    public string Reason { get; } = isClosed ? "it is closed" : reason.GetBaseException().Message;
}

/// <summary>Standard output, where it is known what it was that failed.</summary>
/// <exception cref="OutputException">From every method that writes.</exception>
internal sealed class ResultWriter(TextWriter writer) : TextWriter
{
    public override Encoding Encoding => writer.Encoding;

    public override void Write(char value) => Try(value, static (writer, value) => writer.Write(value));

    public override void Write(string? value) => Try(value, static (writer, value) => writer.Write(value));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void WriteLine(string? value) => Try(value, static (writer, value) => writer.WriteLine(value));

    /// <summary>At once: the framework's own would take a thread for it.</summary>
    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    public override void Flush() => Try(string.Empty, static (writer, _) => writer.Flush());

    private void Try<T>(T value, Action<TextWriter, T> write)
    {
        try
        {
            write(writer, value);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException(exception, StandardStreams.IsOutputClosed);
        }
    }
}

/// <summary>Standard error: where it cannot be written there is nobody to tell.</summary>
internal sealed class MessageWriter(TextWriter writer) : TextWriter
{
    public override Encoding Encoding => writer.Encoding;

    public override void Write(char value) => Try(value, static (writer, value) => writer.Write(value));

    public override void Write(string? value) => Try(value, static (writer, value) => writer.Write(value));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void WriteLine(string? value) => Try(value, static (writer, value) => writer.WriteLine(value));

    /// <summary>At once: the framework's own would take a thread for it.</summary>
    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    public override void Flush() => Try(string.Empty, static (writer, _) => writer.Flush());

    private void Try<T>(T value, Action<TextWriter, T> write)
    {
        try
        {
            write(writer, value);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }
}
