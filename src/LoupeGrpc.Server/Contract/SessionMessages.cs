using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Temporal;
using LoupeGrpc.V1;
using TemporalSegment = LoupeGrpc.Server.Sessions.Temporal.TemporalSegment;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>What a session says, as messages of the contract.</summary>
internal static class SessionMessages
{
    public static AnalyzeResponse ToMessage(this SessionResponse response) => response switch
    {
        FrameAnswer answer => new AnalyzeResponse { Outcome = answer.ToOutcome() },
        CommandAnswer answer => new AnalyzeResponse { ControlReply = answer.ToReply() },
        SessionNotice notice => new AnalyzeResponse { Event = notice.ToEvent() },
        EncodedResponse encoded => AnalyzeResponse.Parser.ParseFrom(encoded.Message.Span),
        _ => throw new ArgumentOutOfRangeException(nameof(response), response, "Not a response of a session."),
    };

    public static AnalyzeResponse ToMessage(this Sessions.SessionGrant grant, LoupeOptions options) => new()
    {
        Granted = new Wire.SessionGrant
        {
            SessionId = grant.Id,
            Limits = LimitMessages.Of(options, grant.Credits, grant.Settings.MaxResponseBytes),
            Model = grant.Model.ToMessage(),
            Execution = grant.Execution.ToMessage(),
            Thresholds = grant.Settings.Thresholds.ToMessage(),
            Delivery = new DeliveryPolicy
            {
                Mode = grant.Opening.Delivery.ToMessage(),
                StalenessBudget = grant.Opening.StalenessBudget is { } budget ? Duration.FromTimeSpan(budget) : null,
            },
            Mask = grant.Settings.ToMaskSettings(grant.Adaptation is not null),
            Tiles = grant.Settings.Tiles.ToMessage(),
            Receipts = grant.Settings.Receipts,
            Temporal = grant.Settings.Temporal?.ToMessage(),
            Explain = grant.Settings.Explain is { } language ? ExplanationLanguages.TagOf(language) : "",
            Unavailable = { grant.Missing.Select(static missing => missing.ToMessage()) },
            Adaptation = grant.Adaptation?.ToMessage(),
            ResumeToken = grant.Token is { } token ? ByteString.CopyFrom(token.Value.Span) : ByteString.Empty,
            ResumeWindow = grant.ResumeWindow is { } window ? Duration.FromTimeSpan(window) : null,
            Resumed = grant.Resumed is not null,
            NextSequence = grant.Resumed?.NextSequence ?? 0,
            ControlsReceived = grant.Resumed?.Commands ?? 0,
        },
    };

    public static AnalyzeResponse ToMessage(this Sessions.SessionSummary summary) => new()
    {
        Summary = new Wire.SessionSummary
        {
            Frames = summary.Frames,
            Results = summary.Results,
            Dropped = summary.Dropped,
            Expired = summary.Expired,
            Failed = summary.Failed,
            Reasons =
            {
                summary.DropCauses.Select(static cause => (Reason: ContractNames.Of(cause.Key.ToMessage()), Count: cause.Value))
                    .Concat(summary.Failures.Select(static failure => (Reason: ContractNames.Of(FailureMapping.CodeOf(failure.Key)), Count: failure.Value)))
                    .OrderBy(static reason => reason.Reason, StringComparer.Ordinal)
                    .Select(static reason => new ReasonCount { Reason = reason.Reason, Count = reason.Count }),
            },
            Verdicts =
            {
                summary.Verdicts.Select(static verdict => new VerdictCount { Verdict = verdict.Key.ToMessage(), Count = verdict.Value })
                    .OrderBy(static verdict => verdict.Verdict),
            },
            Timeline = { summary.Timeline.Select(static segment => segment.ToMessage()) },
            TimelineTruncated = summary.TimelineTruncated,
            FrameBytes = summary.FrameBytes,
            Duration = Duration.FromTimeSpan(summary.Duration),
            Adaptation = summary.Adaptation?.ToMessage(),
            Receipt = UnsafeByteOperations.UnsafeWrap(summary.Receipt),
            Segments = { summary.Segments.Select(static segment => segment.ToMessage()) },
            SegmentsTruncated = summary.SegmentsTruncated,
            Scenes = summary.Scenes,
        },
    };

    public static Unavailable ToMessage(this MissingFeature missing) => new() { Feature = missing.Feature, Reason = missing.Reason };

    private static FrameOutcome ToOutcome(this FrameAnswer answer)
    {
        var outcome = new FrameOutcome { FrameId = answer.FrameId, Sequence = answer.Sequence };
        switch (answer.End)
        {
            case FrameEnd.Analysed analysed:
                outcome.Result = analysed.ToMessage();
                break;
            case FrameEnd.Dropped dropped:
                outcome.Dropped = new Dropped { Reason = dropped.Cause.ToMessage(), Age = Duration.FromTimeSpan(dropped.Age) };
                break;
            case FrameEnd.Expired expired:
                outcome.Expired = new Expired { Age = Duration.FromTimeSpan(expired.Age), Deadline = Duration.FromTimeSpan(expired.Deadline) };
                break;
            case FrameEnd.Failed failed:
                outcome.Failed = failed.Failure.ToFailed();
                break;
        }

        return outcome;
    }

    private static ControlReply ToReply(this CommandAnswer answer) => new()
    {
        ControlId = answer.ControlId,
        Failed = answer.Failure?.ToFailed(),
        Adaptation = answer.Adaptation?.ToMessage(),
        Snapshot = UnsafeByteOperations.UnsafeWrap(answer.Snapshot),
        Thresholds = answer.Thresholds.ToMessage(),
    };

    private static SessionEvent ToEvent(this SessionNotice notice) => new()
    {
        Kind = notice.Kind switch
        {
            NoticeKind.Draining => SessionEventKind.Draining,
            NoticeKind.AdaptationFrozen => SessionEventKind.AdaptationFrozen,
            NoticeKind.AdaptationRolledBack => SessionEventKind.AdaptationRolledBack,
            NoticeKind.AdaptationEvicted => SessionEventKind.AdaptationEvicted,
            NoticeKind.ProviderChanged => SessionEventKind.ProviderChanged,
            NoticeKind.TakenOver => SessionEventKind.TakenOver,
            NoticeKind.Terminated => SessionEventKind.Terminated,
            NoticeKind.StateLost => SessionEventKind.StateLost,
            _ => SessionEventKind.Unspecified,
        },
        Message = notice.Message,
        Sequence = notice.Sequence,
        Adaptation = notice.Adaptation?.ToMessage(),
        Execution = notice.Execution?.ToMessage(),
    };

    private static Wire.ManipulatedSegment ToMessage(this Sessions.ManipulatedSegment segment) => new()
    {
        FirstSequence = segment.FirstSequence,
        LastSequence = segment.LastSequence,
        Start = segment.Start?.ToMessage(),
        End = segment.End?.ToMessage(),
        PeakScore = segment.PeakScore,
        Frames = segment.Frames,
    };

    private static Wire.TemporalSegment ToMessage(this TemporalSegment segment) => new()
    {
        FirstSequence = segment.First.Sequence,
        LastSequence = segment.Last.Sequence,
        Start = segment.First.Time?.ToMessage(),
        End = segment.Last.Time?.ToMessage(),
        Peak = segment.Peak.ToMessage(),
        Evidence = { segment.Evidence.Select(static frame => frame.ToMessage()) },
        Results = segment.Results,
        Manipulated = segment.Manipulated,
        Missing = segment.Missing,
        Scene = segment.Scene,
    };

    private static TemporalFrame ToMessage(this EvidenceFrame frame) => new() { Sequence = frame.Sequence, Time = frame.Time?.ToMessage(), Score = frame.Score };

    private static Timestamp ToMessage(this CaptureTime time) => new() { Seconds = time.Seconds, Nanos = time.Nanoseconds };

    private static DropReason ToMessage(this DropCause cause) => cause switch
    {
        DropCause.Superseded => DropReason.Superseded,
        DropCause.Stale => DropReason.Stale,
        DropCause.OverQuota => DropReason.OverQuota,
        _ => DropReason.SessionEnded,
    };

    private static DeliveryMode ToMessage(this Delivery delivery) => delivery switch
    {
        Delivery.Freshest => DeliveryMode.Freshest,
        Delivery.StalenessBudget => DeliveryMode.StalenessBudget,
        _ => DeliveryMode.EveryFrame,
    };

    /// <param name="adapts">Whether the session does.</param>
    public static MaskSettings ToMaskSettings(this AnalysisSettings settings, bool adapts) => new()
    {
        Policy = settings.Mask.Policy switch
        {
            Engine.MaskPolicy.Always => Wire.MaskPolicy.Always,
            Engine.MaskPolicy.Never => Wire.MaskPolicy.Never,
            _ => Wire.MaskPolicy.WhenSuspected,
        },
        Encoding = settings.Mask.Encoding switch
        {
            Engine.MaskEncoding.Png => Wire.MaskEncoding.Png,
            Engine.MaskEncoding.SoftPng => Wire.MaskEncoding.SoftPng,
            _ => Wire.MaskEncoding.Rle,
        },
        MaxBytes = (uint)settings.MaxMaskBytes(adapts),
    };
}
