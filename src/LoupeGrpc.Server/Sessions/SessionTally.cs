using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions;

/// <summary>Counts what became of a session's frames. Outcomes are added in the order of receipt, from one thread at a time.</summary>
internal sealed class SessionTally
{
    /// <summary>Of the timeline.</summary>
    public const int MaxSegments = 1024;

    private readonly Dictionary<DropCause, ulong> _dropCauses = [];
    private readonly Dictionary<FailureKind, ulong> _failures = [];
    private readonly Dictionary<Verdict, ulong> _verdicts = [];
    private readonly List<ManipulatedSegment> _timeline = [];
    private ulong _expired;
    private bool _inSegment;
    private bool _truncated;

    /// <summary>Frames with an outcome and the verdict manipulated.</summary>
    public ulong Manipulated => _verdicts.GetValueOrDefault(Verdict.Manipulated);

    public ulong Results => Sum(_verdicts);

    public ulong Dropped => Sum(_dropCauses);

    public ulong Expired => _expired;

    public ulong Failed => Sum(_failures);

    public void Add(FrameAnswer answer, CaptureTime? captureTime)
    {
        switch (answer.End)
        {
            case FrameEnd.Analysed { Analysis: var analysis }:
                Count(_verdicts, analysis.Verdict);
                AddToTimeline(answer.Sequence, analysis, captureTime);
                break;
            case FrameEnd.Dropped dropped:
                Count(_dropCauses, dropped.Cause);
                break;
            case FrameEnd.Expired:
                _expired++;
                break;
            case FrameEnd.Failed failed:
                Count(_failures, failed.Failure.Kind);
                break;
        }
    }

    /// <param name="frameBytes">Of all frames received.</param>
    public SessionSummary ToSummary(TimeSpan duration, ulong frameBytes)
    {
        return new SessionSummary(
            Results + Dropped + Expired + Failed,
            Results,
            Dropped,
            Expired,
            Failed,
            new Dictionary<DropCause, ulong>(_dropCauses),
            new Dictionary<FailureKind, ulong>(_failures),
            new Dictionary<Verdict, ulong>(_verdicts),
            [.. _timeline],
            _truncated,
            frameBytes,
            duration,
            null);
    }

    /// <summary>A copy of all that was counted.</summary>
    public TallyCounts Save() => new(
        new Dictionary<DropCause, ulong>(_dropCauses),
        new Dictionary<FailureKind, ulong>(_failures),
        new Dictionary<Verdict, ulong>(_verdicts),
        _expired,
        [.. _timeline],
        _inSegment,
        _truncated);

    /// <summary>Counts on from there. Once, before the first outcome.</summary>
    public void Restore(TallyCounts counts)
    {
        Copy(counts.DropCauses, _dropCauses);
        Copy(counts.Failures, _failures);
        Copy(counts.Verdicts, _verdicts);
        _timeline.AddRange(counts.Timeline);
        (_expired, _inSegment, _truncated) = (counts.Expired, counts.InSegment, counts.Truncated);
    }

    private static void Copy<TKey>(IReadOnlyDictionary<TKey, ulong> from, Dictionary<TKey, ulong> to)
        where TKey : notnull
    {
        foreach (var (key, count) in from)
        {
            to[key] = count;
        }
    }

    private static void Count<TKey>(Dictionary<TKey, ulong> counts, TKey key)
        where TKey : notnull => counts[key] = counts.GetValueOrDefault(key) + 1;

    private static ulong Sum<TKey>(Dictionary<TKey, ulong> counts)
        where TKey : notnull => counts.Values.Aggregate(0ul, static (sum, count) => sum + count);

    private void AddToTimeline(ulong sequence, FrameAnalysis analysis, CaptureTime? captureTime)
    {
        if (analysis.Verdict != Verdict.Manipulated)
        {
            _inSegment = false;
        }
        else if (_inSegment && !_truncated)
        {
            var segment = _timeline[^1];
            _timeline[^1] = segment with
            {
                LastSequence = sequence,
                End = captureTime,
                PeakScore = Math.Max(segment.PeakScore, analysis.Score),
                Frames = segment.Frames + 1,
            };
        }
        else if (!_inSegment)
        {
            _inSegment = true;
            _truncated |= _timeline.Count == MaxSegments;
            if (!_truncated)
            {
                _timeline.Add(new ManipulatedSegment(sequence, sequence, captureTime, captureTime, analysis.Score, 1));
            }
        }
    }
}
