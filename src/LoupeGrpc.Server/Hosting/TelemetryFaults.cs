using System.Diagnostics.Tracing;

namespace LoupeGrpc.Server.Hosting;

/// <summary>Says when the collector does not take what it is sent: the library tells nobody but those who listen to its event source. One line a minute.</summary>
internal sealed partial class TelemetryFaults : EventListener
{
    private const string Sources = "OpenTelemetry-Exporter";

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly ILogger<TelemetryFaults> _logger;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private long? _saidAt;

    public TelemetryFaults(ILogger<TelemetryFaults> logger, TimeProvider time)
    {
        (_logger, _time) = (logger, time);
        // Sources that were there before this was made were passed over, since it was not made yet.
        foreach (var source in EventSource.GetSources())
        {
            Listen(source);
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        // The base class calls this before the constructor has run.
        if (_logger is not null)
        {
            Listen(eventSource);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        lock (_lock)
        {
            if (_saidAt is { } saidAt && _time.GetElapsedTime(saidAt) < Pause)
            {
                return;
            }

            _saidAt = _time.GetTimestamp();
        }

        // Its last value holds the exception, of which the first line says enough.
        var details = string.Join(", ", (eventData.Payload ?? []).Select(static value => $"{value}".Split('\n', 2)[0].Trim()));
        NotTaken(_logger, eventData.EventName ?? eventData.EventSource.Name, details);
    }

    private void Listen(EventSource source)
    {
        if (source.Name.StartsWith(Sources, StringComparison.Ordinal))
        {
            EnableEvents(source, EventLevel.Warning);
        }
    }

    [LoggerMessage(EventId = 180, Level = LogLevel.Warning, Message = "The collector of Loupe:Telemetry:Endpoint does not take what it is sent ({Event}): {Details}. Serving goes on; this is said once a minute.")]
    private static partial void NotTaken(ILogger logger, string @event, string details);
}
