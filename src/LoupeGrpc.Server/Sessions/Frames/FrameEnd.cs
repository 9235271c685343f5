using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Sessions.Receipts;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>What became of a frame: one of the four. Immutable.</summary>
internal abstract record FrameEnd
{
    /// <summary>Bytes that it holds in memory, about.</summary>
    public virtual long Bytes => 0;

    /// <summary>What counts and summaries need of it.</summary>
    public virtual FrameEnd WithoutMasks() => this;

    /// <param name="Settings">What was wanted of it.</param>
    /// <param name="Adaptation">How its session learns; null where it does not.</param>
    internal sealed record Analysed(FrameAnalysis Analysis, AnalysisSettings Settings, AdaptationSettings? Adaptation = null) : FrameEnd
    {
        private const int BytesPerRegion = 64;

        /// <summary>Signed, of a result that leaves; empty where none was asked for.</summary>
        public ReadOnlyMemory<byte> Receipt { get; init; }

        /// <summary>What the frames up to it say together; null: nobody asked, or it has left before they were known.</summary>
        public TemporalVerdict? Temporal { get; init; }

        public override long Bytes =>
            (Analysis.Mask?.Data.Length ?? 0) + (Analysis.BaseMask?.Data.Length ?? 0) + ((long)Analysis.SoftMask.Length * sizeof(float)) + Analysis.Picture.Length + (Analysis.Regions.Count * BytesPerRegion)
            + Analysis.Notes.Sum(static note => (long)note.Message.Length) + (Settings.Receipts ? ResultReceipt.MostBytes : 0) + (Analysis.Provenance?.Credentials?.Bytes ?? 0);

        public override FrameEnd WithoutMasks() =>
            this with { Analysis = Analysis with { Mask = null, BaseMask = null, SoftMask = default, Picture = default, Regions = [], Notes = [], GuardEvents = [], Evidence = null, Digests = null, Provenance = null }, Receipt = default };
    }

    /// <param name="Age">From receipt to now.</param>
    internal sealed record Dropped(DropCause Cause, TimeSpan Age) : FrameEnd;

    /// <param name="Age">From receipt to now.</param>
    internal sealed record Expired(TimeSpan Age, TimeSpan Deadline) : FrameEnd;

    internal sealed record Failed(FrameFailure Failure) : FrameEnd
    {
        public override long Bytes => Failure.Message.Length;
    }
}

/// <summary>Why a frame was dropped.</summary>
internal enum DropCause
{
    /// <summary>A fresher one came while it waited.</summary>
    Superseded,

    /// <summary>It was older than the session's budget.</summary>
    Stale,

    /// <summary>Its owner sends more frames a second than it may.</summary>
    OverQuota,

    /// <summary>Its session took no frames any more, or nobody waited for them.</summary>
    SessionEnded,
}
