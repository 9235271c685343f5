using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>Something that happened to a session by itself: <see cref="LoupeServerEvent"/>, <see cref="LoupeDisconnected"/> or <see cref="LoupeResumed"/>.</summary>
public abstract record LoupeSessionEvent
{
    private protected LoupeSessionEvent()
    {
    }
}

/// <summary>Told by the server: draining, a guard that froze adaptation, an evicted state, another provider.</summary>
public sealed record LoupeServerEvent : LoupeSessionEvent
{
    /// <summary>Its sequence number is that of <see cref="LoupeOutcome.Sequence"/>.</summary>
    public required SessionEvent Event { get; init; }
}

/// <summary>The connection broke; the session tries to go on with another. <see cref="LoupeResumed"/> follows, or its end.</summary>
public sealed record LoupeDisconnected : LoupeSessionEvent
{
    /// <summary>For people, one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>How long it tries.</summary>
    public required TimeSpan Window { get; init; }
}

/// <summary>The session goes on where it was: no frame was lost, none is answered twice.</summary>
public sealed record LoupeResumed : LoupeSessionEvent
{
    /// <summary>How long there was no connection.</summary>
    public required TimeSpan Outage { get; init; }

    /// <summary>Frames that the server had not received.</summary>
    public required int FramesSentAgain { get; init; }
}
