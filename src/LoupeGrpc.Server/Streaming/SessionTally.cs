using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>Counts what became of a session's frames. Outcomes are added in the order of receipt, from one thread at a time.</summary>
internal sealed class SessionTally
{
    private const int MaxSegments = 1024;

    private readonly SessionSummary _summary = new();
    private readonly SortedDictionary<string, ulong> _reasons = new(StringComparer.Ordinal);
    private readonly SortedDictionary<Verdict, ulong> _verdicts = [];
    private ManipulatedSegment? _segment;

    /// <summary>Frames with an outcome and the verdict manipulated.</summary>
    public ulong Manipulated => _verdicts.GetValueOrDefault(Verdict.Manipulated);

    public void Add(FrameOutcome outcome, Timestamp? captureTime)
    {
        _summary.Frames++;
        switch (outcome.OutcomeCase)
        {
            case FrameOutcome.OutcomeOneofCase.Result:
                _summary.Results++;
                _verdicts[outcome.Result.Verdict] = _verdicts.GetValueOrDefault(outcome.Result.Verdict) + 1;
                AddToTimeline(outcome, captureTime);
                break;
            case FrameOutcome.OutcomeOneofCase.Dropped:
                _summary.Dropped++;
                Count(ContractNames.Of(outcome.Dropped.Reason));
                break;
            case FrameOutcome.OutcomeOneofCase.Expired:
                _summary.Expired++;
                break;
            default:
                _summary.Failed++;
                Count(ContractNames.Of(outcome.Failed.Code));
                break;
        }
    }

    /// <param name="frameBytes">Of all frames received.</param>
    public SessionSummary ToSummary(TimeSpan duration, ulong frameBytes)
    {
        var summary = _summary.Clone();
        summary.Duration = Duration.FromTimeSpan(duration);
        summary.FrameBytes = frameBytes;
        summary.Reasons.Add(_reasons.Select(static reason => new ReasonCount { Reason = reason.Key, Count = reason.Value }));
        summary.Verdicts.Add(_verdicts.Select(static verdict => new VerdictCount { Verdict = verdict.Key, Count = verdict.Value }));
        return summary;
    }

    private void Count(string reason) => _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;

    private void AddToTimeline(FrameOutcome outcome, Timestamp? captureTime)
    {
        if (outcome.Result.Verdict != Verdict.Manipulated)
        {
            _segment = null;
            return;
        }

        if (_segment is null)
        {
            _segment = new ManipulatedSegment { FirstSequence = outcome.Sequence, Start = captureTime };
            if (_summary.Timeline.Count == MaxSegments)
            {
                _summary.TimelineTruncated = true;
            }
            else
            {
                _summary.Timeline.Add(_segment);
            }
        }

        _segment.LastSequence = outcome.Sequence;
        _segment.End = captureTime;
        _segment.PeakScore = Math.Max(_segment.PeakScore, outcome.Result.Score);
        _segment.Frames++;
    }
}
