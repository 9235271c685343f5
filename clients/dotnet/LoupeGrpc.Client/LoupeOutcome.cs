using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>
/// The one terminal outcome of one frame: <see cref="LoupeResult"/>, <see cref="LoupeDropped"/>, <see cref="LoupeExpired"/> or
/// <see cref="LoupeFailed"/>. Immutable.
/// </summary>
public abstract record LoupeOutcome
{
    private protected LoupeOutcome()
    {
    }

    /// <summary>As given in <see cref="LoupeFrame.FrameId"/>.</summary>
    public required ulong FrameId { get; init; }

    /// <summary>The frame's number within the session, from 0, in the order in which <see cref="LoupeSession.SendAsync"/> took them.</summary>
    public required long Index { get; init; }

    /// <summary>The server's number of the frame, which events and the summary's timeline name. Null for frames that were never sent.</summary>
    public ulong? Sequence { get; init; }
}

/// <summary>The frame was analysed.</summary>
public sealed record LoupeResult : LoupeOutcome
{
    /// <summary>Score, verdict, mask, regions and how they came about.</summary>
    public required FrameResult Result { get; init; }
}

/// <summary>The frame was left out, as the delivery policy asks or because the session ended first.</summary>
public sealed record LoupeDropped : LoupeOutcome
{
    public required DropReason Reason { get; init; }

    /// <summary>Since the server received it.</summary>
    public required TimeSpan Age { get; init; }
}

/// <summary>The frame's own deadline passed before its outcome was there.</summary>
public sealed record LoupeExpired : LoupeOutcome
{
    /// <summary>Since the server received it.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>As given in <see cref="LoupeFrame.Deadline"/>.</summary>
    public required TimeSpan Deadline { get; init; }
}

/// <summary>The frame could not be analysed; the session goes on unless the code is <see cref="LoupeFailureCode.ConnectionLost"/>.</summary>
public sealed record LoupeFailed : LoupeOutcome
{
    public required LoupeFailureCode Code { get; init; }

    /// <summary>For people, one sentence; names the setting and the limit where there is one.</summary>
    public required string Message { get; init; }
}
