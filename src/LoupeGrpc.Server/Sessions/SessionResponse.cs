using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What a session says to its client behind its grant. Immutable.</summary>
internal abstract record SessionResponse
{
    /// <summary>For objects, numbers and the message's frame.</summary>
    protected const int Overhead = 512;

    /// <summary>Whether it answers a frame or a command, and so gives a credit back.</summary>
    public abstract bool IsAnswer { get; }

    /// <summary>Bytes that it holds in memory, about.</summary>
    public abstract long Bytes { get; }
}

/// <summary>The one outcome of a frame.</summary>
/// <param name="Sequence">The server's number of the frame within the session.</param>
internal sealed record FrameAnswer(ulong FrameId, ulong Sequence, FrameEnd End) : SessionResponse
{
    public override bool IsAnswer => true;

    public override long Bytes => Overhead + End.Bytes;
}

/// <summary>The one reply to a command.</summary>
/// <param name="Failure">Null: it was carried out.</param>
/// <param name="Adaptation">After it; null where the session does not adapt.</param>
/// <param name="Thresholds">In force after it.</param>
/// <param name="Snapshot">Empty where none was asked for.</param>
internal sealed record CommandAnswer(
    ulong ControlId, FrameFailure? Failure, AdaptationReport? Adaptation, VerdictThresholds Thresholds, ReadOnlyMemory<byte> Snapshot) : SessionResponse
{
    public override bool IsAnswer => true;

    public override long Bytes => Overhead + Snapshot.Length + (Failure?.Message.Length ?? 0);
}

/// <summary>What happened to a session, told by itself.</summary>
/// <param name="Sequence">The frame from which on it holds.</param>
/// <param name="Adaptation">The state that it left; null where it is not about that.</param>
/// <param name="Execution">What runs the model from now on; null where it is not about that.</param>
internal sealed record SessionNotice(
    NoticeKind Kind, string Message, ulong Sequence = 0, AdaptationReport? Adaptation = null, ExecutionDescription? Execution = null) : SessionResponse
{
    public override bool IsAnswer => false;

    public override long Bytes => Overhead + Message.Length;

    /// <param name="sequence">The frame from which on it holds.</param>
    public static SessionNotice Of(GuardEvent guard, ulong sequence) => new(
        guard.Action == GuardAction.Freeze ? NoticeKind.AdaptationFrozen : NoticeKind.AdaptationRolledBack, guard.Message, sequence, guard.After);
}

internal enum NoticeKind
{
    Draining,
    AdaptationFrozen,
    AdaptationRolledBack,
    AdaptationEvicted,
    ProviderChanged,
    TakenOver,
    Terminated,
}
