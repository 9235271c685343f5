using System.Diagnostics.Metrics;
using System.Security.Authentication;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Stores;

/// <summary>
/// Says when the store goes away and when it is back, once a minute at most; at once where an operator can do something about it that was not said yet. Thread-safe.
/// </summary>
internal sealed partial class StoreWatch(ILogger<StoreWatch> logger, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>What Redis says where it does not know who comes.</summary>
    private static readonly string[] PasswordWords = ["WRONGPASS", "NOAUTH"];

    private readonly Lock _lock = new();
    private long? _saidAt;
    private bool _saidAway;
    private Remedy _saidRemedy;

    /// <summary>What would bring the store back.</summary>
    private enum Remedy
    {
        Unknown,
        Certificate,
        Password,
    }

    public void Lost(Exception? why)
    {
        var (reason, remedy) = Explain(why);
        if (MaySpeak(true, remedy))
        {
            Away(logger, reason);
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

    /// <summary>What an operator can do something about: the library's own sentence is of connections and counters, and the cause lies below it.</summary>
    private static (string Reason, Remedy Remedy) Explain(Exception? why) => why?.GetBaseException() switch
    {
        null => ("no connection", Remedy.Unknown),
        AuthenticationException untrusted => ($"its certificate is not trusted, or is for another host (Loupe:Sessions:StoreAuthority): {Line(untrusted)}", Remedy.Certificate),
        { Message: var message } when PasswordWords.Any(word => message.Contains(word, StringComparison.Ordinal)) =>
            ($"it does not take the name or the password of Loupe:Sessions:Store ({PasswordWords.First(word => message.Contains(word, StringComparison.Ordinal))})", Remedy.Password),
        { } other => (Line(other), Remedy.Unknown),
    };

    private static string Line(Exception exception) => exception.Message.ReplaceLineEndings(" ");

    /// <param name="away">Null: neither.</param>
    private bool MaySpeak(bool? away, Remedy remedy = Remedy.Unknown)
    {
        lock (_lock)
        {
            // That it is back is said whenever it was said that it is away.
            var isNews = remedy != Remedy.Unknown && remedy != _saidRemedy;
            if (away == false ? !_saidAway : !isNews && _saidAt is { } saidAt && time.GetElapsedTime(saidAt) < Pause)
            {
                return false;
            }

            _saidAt = away == false ? _saidAt : time.GetTimestamp();
            _saidAway = away ?? _saidAway;
            _saidRemedy = remedy == Remedy.Unknown && away == true ? _saidRemedy : remedy;
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
