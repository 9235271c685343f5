using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>Keeps what a server logs. Errors that a test did not expect make it fail.</summary>
internal sealed class LogRecorder : ILoggerProvider
{
    private readonly ConcurrentQueue<(LogLevel Level, string Line)> _entries = new();

    public IEnumerable<string> Lines => _entries.Select(static entry => entry.Line);

    public void VerifyNoErrors()
    {
        // Whole: an assertion of xUnit's would show the first words only.
        var errors = string.Join('\n', _entries.Where(static entry => entry.Level >= LogLevel.Error).Select(static entry => entry.Line));
        if (errors.Length > 0)
        {
            Assert.Fail(errors);
        }
    }

    /// <summary>The one error there is; it does not count any more.</summary>
    public string TakeError()
    {
        var errors = _entries.Where(static entry => entry.Level >= LogLevel.Error).ToList();
        _entries.Clear();
        return Assert.Single(errors).Line;
    }

    public ILogger CreateLogger(string categoryName) => new Recorder(categoryName, _entries);

    public void Dispose()
    {
    }

    private sealed class Recorder(string category, ConcurrentQueue<(LogLevel Level, string Line)> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue((logLevel, $"{logLevel} {category}: {formatter(state, exception)} {exception}"));
    }
}
