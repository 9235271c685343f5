using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>
/// What a plot of a stream needs of each result, and what happened meanwhile. Thread-safe. Memory is bounded: of a stream without end
/// every second point is given up whenever there are too many.
/// </summary>
/// <param name="byTime">Points lie over the frames' time in the stream, else over their number.</param>
/// <param name="capacity">Points kept at most.</param>
internal sealed class StreamCurves(bool byTime, int capacity = StreamCurves.DefaultCapacity) : IOutcomeSink
{
    /// <summary>More than a screen has columns, with room to zoom.</summary>
    private const int DefaultCapacity = 16_384;

    /// <summary>More lines than these say nothing any more.</summary>
    private const int MaxMarks = 64;

    private readonly Lock _gate = new();
    private readonly List<CurvePoint> _points = [];
    private readonly List<(string Label, ulong Sequence)> _marks = [];
    private long _stride = 1;
    private long _seen;
    private double _last;

    public bool ByTime => byTime;

    public void Write(OutcomeRow row)
    {
        if (row.Outcome is not LoupeResult { Result: var result } outcome)
        {
            return;
        }

        lock (_gate)
        {
            _last = byTime ? row.Item.TimeSeconds ?? 0 : row.FrameId;
            if (_seen++ % _stride != 0)
            {
                return;
            }

            _points.Add(CurvePoint.From(_last, outcome.Sequence ?? 0, result));
            if (_points.Count >= capacity)
            {
                var every = 0;
                _points.RemoveAll(_ => every++ % 2 == 1);
                _stride *= 2;
            }
        }
    }

    /// <summary>Remembers what changed the curves.</summary>
    public void Mark(SessionEvent happened)
    {
        var label = happened.Kind switch
        {
            SessionEventKind.AdaptationFrozen => "guard: frozen",
            SessionEventKind.AdaptationRolledBack => "guard: rolled back",
            SessionEventKind.AdaptationEvicted => "evicted",
            SessionEventKind.ProviderChanged => "other provider",
            _ => null,
        };
        if (label is null)
        {
            return;
        }

        lock (_gate)
        {
            if (_marks.Count < MaxMarks)
            {
                _marks.Add((label, happened.Sequence));
            }
        }
    }

    /// <summary>The points so far.</summary>
    public IReadOnlyList<CurvePoint> Points()
    {
        lock (_gate)
        {
            return [.. _points];
        }
    }

    /// <summary>Where on the axis things happened.</summary>
    public IReadOnlyList<(double X, string Label)> Marks()
    {
        lock (_gate)
        {
            return [.. _marks.Select(mark => (Place(mark.Sequence), mark.Label))];
        }
    }

    /// <summary>Where on the axis stretches lie.</summary>
    public IReadOnlyList<(double From, double To)> Spans(IReadOnlyList<Stretch> stretches)
    {
        lock (_gate)
        {
            return [.. stretches.Select(stretch => byTime && stretch is { Start: { } start, End: { } end } ? (start, end) : (Place(stretch.First), Place(stretch.Last)))];
        }
    }

    private double Place(ulong sequence)
    {
        var first = _points.FindIndex(point => point.Sequence >= sequence);
        return first < 0 ? _last : _points[first].X;
    }
}

/// <summary>One frame in the curves.</summary>
/// <param name="X">Seconds, or the frame's number.</param>
/// <param name="Sequence">The server's number of the frame.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="MaskArea">Share of the picture inside the mask, percent; null where there is no mask.</param>
/// <param name="BaseArea">The same without adaptation; null where there was no dual verdict.</param>
/// <param name="Disagreement">Share of the picture on which both masks differ, percent; null where there was no dual verdict.</param>
/// <param name="Loss">Of the last step before the frame; null where there was none.</param>
/// <param name="Drift">Relative change of the parameters; null without adaptation.</param>
/// <param name="Thresholds">In force for the frame.</param>
/// <param name="OverTime">Score of the window that ends with the frame; null: it is not judged over time.</param>
internal sealed record CurvePoint(
    double X, ulong Sequence, double Score, double? MaskArea, double? BaseArea, double? Disagreement, double? Loss, double? Drift, Thresholds? Thresholds, double? OverTime)
{
    public static CurvePoint From(double x, ulong sequence, FrameResult result)
    {
        var pixels = Math.Max(1, (double)result.Width * result.Height);
        var state = result.Adaptation;
        return new CurvePoint(
            x,
            sequence,
            result.Score,
            result.Mask is { } found ? 100 * found.Area / pixels : null,
            result.BaseMask is { } mask ? 100 * mask.Area / pixels : null,
            result.BaseMask is null ? null : 100 * (double)result.MaskDisagreement,
            state is { LastLoss: > 0 } ? state.LastLoss : null,
            state?.Drift,
            result.Thresholds,
            result.Temporal?.Score);
    }
}
