using System.Diagnostics.Metrics;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Stores;

/// <summary>Says when the store goes away and when it is back, once a minute at most. Thread-safe.</summary>
internal sealed partial class StoreWatch(ILogger<StoreWatch> logger, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _saidAt;
    private bool _saidAway;

    /// <param name="why">Null: it never was there.</param>
    public void Lost(Exception? why)
    {
        if (MaySpeak(true))
        {
            Away(logger, why?.Message.ReplaceLineEndings(" ") ?? "no connection");
        }
    }

    public void Refused(string why)
    {
        if (MaySpeak(null))
        {
            Refuses(logger, why);
        }
    }

    public void Found()
    {
        if (MaySpeak(false))
        {
            Back(logger);
        }
    }

    /// <summary>Shown as 1 or 0 among the metrics.</summary>
    public static void Measure(IMeterFactory meters, ISessionStore store) => meters.Create(SessionMetrics.MeterName).CreateObservableGauge(
        "loupe.session.store.up", () => store.IsUp ? 1 : 0, description: "Whether Loupe:Sessions:Store answers.");

    /// <param name="away">Null: neither.</param>
    private bool MaySpeak(bool? away)
    {
        lock (_lock)
        {
            // That it is back is said whenever it was said that it is away.
            if (away == false ? !_saidAway : _saidAt is { } saidAt && time.GetElapsedTime(saidAt) < Pause)
            {
                return false;
            }

            _saidAt = away == false ? _saidAt : time.GetTimestamp();
            _saidAway = away ?? _saidAway;
            return true;
        }
    }

    [LoggerMessage(
        EventId = 900,
        Level = LogLevel.Warning,
        Message = "The store of sessions (Loupe:Sessions:Store) is away: sessions go on in memory, and a server that is lost now loses them. {Reason}")]
    private static partial void Away(ILogger logger, string reason);

    [LoggerMessage(EventId = 901, Level = LogLevel.Information, Message = "The store of sessions (Loupe:Sessions:Store) is back.")]
    private static partial void Back(ILogger logger);

    [LoggerMessage(EventId = 902, Level = LogLevel.Warning, Message = "The store of sessions (Loupe:Sessions:Store) refused a record: {Reason}")]
    private static partial void Refuses(ILogger logger, string reason);
}
