using System.Text;

namespace LoupeGrpc.Server.Commands;

/// <summary>A standard stream that may be closed or full.</summary>
internal abstract class StandardWriter(TextWriter writer) : TextWriter
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

    /// <summary>What was to be written was not.</summary>
    protected abstract void OnFailure(Exception reason);

    private void Try<T>(T value, Action<TextWriter, T> write)
    {
        try
        {
            write(writer, value);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            OnFailure(exception);
        }
    }
}
