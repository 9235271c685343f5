using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Keeps what is logged. Thread-safe.</summary>
internal sealed class RecordedLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(string? Name, string Message)> _entries = new();

    public List<string> Of(string eventName) => [.. _entries.Where(entry => entry.Name == eventName).Select(static entry => entry.Message)];

    public ILogger CreateLogger(string categoryName) => this;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((eventId.Name, formatter(state, exception)));

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
