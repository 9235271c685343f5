using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What a session says to its client behind its grant. Immutable.</summary>
internal abstract record SessionResponse
{
    /// <summary>For objects, numbers and the message's frame.</summary>
    protected const int Overhead = 512;

    /// <summary>Whether it answers a frame or a command, and so gives a credit back.</summary>
    public abstract bool IsAnswer { get; }

    /// <summary>Whether it is the outcome of a frame.</summary>
    public virtual bool IsOutcome => false;

    /// <summary>Bytes that it holds in memory, about.</summary>
    public abstract long Bytes { get; }
}

/// <summary>One that came as bytes from the server that had the session before.</summary>
internal sealed record EncodedResponse(ReadOnlyMemory<byte> Message, bool Answers, bool IsFrames) : SessionResponse
{
    public override bool IsAnswer => Answers;

    public override bool IsOutcome => IsFrames;

    public override long Bytes => Overhead + Message.Length;
}

/// <summary>The one outcome of a frame.</summary>
/// <param name="Sequence">The server's number of the frame within the session.</param>
internal sealed record FrameAnswer(ulong FrameId, ulong Sequence, FrameEnd End) : SessionResponse
{
    public override bool IsAnswer => true;

    public override bool IsOutcome => true;

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
    public static SessionNotice Draining { get; } = new(NoticeKind.Draining, "the server is stopping: it finishes the frames it has");

    public override bool IsAnswer => false;

    public override long Bytes => Overhead + Message.Length;

    /// <summary>What of a session is lost that another server left behind its client.</summary>
    /// <param name="adaptation">As it goes on.</param>
    public static SessionNotice Of(StoredSession stored, AdaptationReport? adaptation)
    {
        var facts = stored.Record.Facts;
        var lost = $"the session goes on from a checkpoint after {facts.Frames} frames, since the server that had it kept no later one: "
            + $"{stored.FramesLost} outcomes and {stored.CommandsLost} control replies since then stand, but the summary lacks them";
        var steps = adaptation is null ? string.Empty : $"; adaptation goes on at step {adaptation.Step}, at most {stored.StepsLost} steps are lost";
        var controls = stored.CommandsLost == 0 ? string.Empty : "; what those controls changed is as before them: send them again";
        return new SessionNotice(NoticeKind.StateLost, lost + steps + controls, stored.Frames, adaptation);
    }

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

    /// <summary>The session goes on from a checkpoint that is older than what its client has heard.</summary>
    StateLost,
}
