using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What a call brings to its session. Nothing of the message that it came in is kept but what stands here.</summary>
internal abstract record SessionInput
{
    /// <summary>The client sends nothing more and waits for the rest.</summary>
    public static SessionInput HalfClose { get; } = new HalfClosed();

    /// <summary>The client or its connection is gone.</summary>
    public static SessionInput Vanish { get; } = new Vanished();

    internal sealed record HalfClosed : SessionInput;

    internal sealed record Vanished : SessionInput;

    /// <summary>The call broke the protocol; it ends with this.</summary>
    internal sealed record Violation(CallFailure Failure) : SessionInput;
}

/// <summary>A frame as it was received.</summary>
/// <param name="FrameId">The client's number, echoed.</param>
/// <param name="CaptureTime">Null where none was given, or it was no time.</param>
/// <param name="Deadline">Age from which its outcome is of no use; null: never.</param>
/// <param name="Input">There even where there is a failure: its bytes were received.</param>
/// <param name="Failure">What is wrong with the message; null: nothing.</param>
internal sealed record IncomingFrame(ulong FrameId, CaptureTime? CaptureTime, TimeSpan? Deadline, FrameInput Input, FrameFailure? Failure) : SessionInput;

/// <summary>When a frame was taken, by the client's clock, since 1970-01-01T00:00:00Z.</summary>
internal readonly record struct CaptureTime(long Seconds, int Nanoseconds);

/// <summary>Something that changes a session or asks for its state. Each is answered once.</summary>
/// <param name="ControlId">The client's number, echoed.</param>
internal abstract record SessionCommand(ulong ControlId) : SessionInput
{
    /// <summary>Whether it is about the adaptation state, which the frames before it change.</summary>
    public virtual bool ConcernsAdaptation => true;

    internal sealed record SetThresholds(ulong ControlId, VerdictThresholds Thresholds) : SessionCommand(ControlId)
    {
        public override bool ConcernsAdaptation => false;
    }

    internal sealed record SetMask(ulong ControlId, MaskRequest Mask) : SessionCommand(ControlId)
    {
        public override bool ConcernsAdaptation => false;
    }

    /// <summary>Its reply waits for the outcomes before it, as every reply does.</summary>
    internal sealed record Flush(ulong ControlId) : SessionCommand(ControlId)
    {
        public override bool ConcernsAdaptation => false;
    }

    /// <summary>It makes no sense, and changes nothing.</summary>
    internal sealed record Rejected(ulong ControlId, FrameFailure Failure) : SessionCommand(ControlId)
    {
        public override bool ConcernsAdaptation => false;
    }

    /// <summary>Begins adapting, or changes how.</summary>
    internal sealed record SetAdaptation(ulong ControlId, AdaptationSettings Settings) : SessionCommand(ControlId);

    internal sealed record Freeze(ulong ControlId) : SessionCommand(ControlId);

    internal sealed record Resume(ulong ControlId) : SessionCommand(ControlId);

    /// <summary>Back to the model's own parameters.</summary>
    internal sealed record Reset(ulong ControlId) : SessionCommand(ControlId);

    internal sealed record Snapshot(ulong ControlId) : SessionCommand(ControlId);

    /// <param name="Step">To roll back to; null: to the last snapshot.</param>
    internal sealed record RollBack(ulong ControlId, long? Step) : SessionCommand(ControlId);
}
