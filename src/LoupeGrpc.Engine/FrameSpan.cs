using System.Diagnostics;

namespace LoupeGrpc.Engine;

/// <summary>
/// The trace of one frame: a span from its receipt to its outcome, in it one for each stage, and one of each run that it shares with others, which links to
/// all of them. Without a listener, or where the call is not sampled, there is none and nothing is paid for it. One thread at a time.
/// </summary>
public sealed class FrameSpan
{
    /// <summary>Of the activity source.</summary>
    public const string SourceName = "LoupeGrpc.Frames";

    private static readonly ActivitySource Source = new(SourceName);

    private readonly Activity _frame;

    private readonly TimeProvider _time;

    private FrameSpan(Activity frame, TimeProvider time) => (_frame, _time) = (frame, time);

    /// <summary>The span of the call that runs now; default where there is none.</summary>
    public static ActivityContext CurrentCall => Activity.Current?.Context ?? default;

    /// <param name="call">The span that the frame came in; nothing is begun where it is not recorded.</param>
    public static FrameSpan? Begin(ActivityContext call, TimeProvider time)
    {
        if (!call.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) || !Source.HasListeners())
        {
            return null;
        }

        var around = Activity.Current;
        var frame = Source.StartActivity("frame", ActivityKind.Internal, call, startTime: time.GetUtcNow());
        Activity.Current = around;
        return frame is null ? null : new FrameSpan(frame, time);
    }

    /// <summary>Says something about the frame.</summary>
    /// <param name="name">Such as <c>loupe.frame_id</c>.</param>
    public void Tag(string name, object? value) => _frame.SetTag(name, value);

    /// <summary>The frame has its outcome.</summary>
    /// <param name="failure">What it failed of; null: it did not.</param>
    public void End(string outcome, string? failure = null)
    {
        _frame.SetTag("loupe.outcome", outcome);
        if (failure is not null)
        {
            _frame.SetStatus(ActivityStatusCode.Error, failure);
        }

        Stop(_frame, _time.GetUtcNow());
    }

    /// <summary>A stage has just ended. The measurement is taken inside its span, so that it may become an exemplar.</summary>
    internal void Stage(string name, TimeSpan elapsed, Action record)
    {
        var end = _time.GetUtcNow();
        var around = Activity.Current;
        var stage = Source.StartActivity(name, ActivityKind.Internal, _frame.Context, startTime: end - elapsed);
        record();
        Stop(stage, end);
        Activity.Current = around;
    }

    /// <summary>A run of several frames has just ended.</summary>
    /// <param name="frames">Those of its frames that are traced; the first one's trace holds the run's span.</param>
    /// <param name="count">All of its frames.</param>
    internal static void Run(string name, TimeSpan elapsed, IReadOnlyList<FrameSpan> frames, int bucket, int count)
    {
        if (frames.Count == 0)
        {
            return;
        }

        var end = frames[0]._time.GetUtcNow();
        var around = Activity.Current;
        var run = Source.StartActivity(
            $"run {name}",
            ActivityKind.Internal,
            frames[0]._frame.Context,
            [new("loupe.bucket", bucket), new("loupe.frames", count)],
            frames.Select(static frame => new ActivityLink(frame._frame.Context)),
            end - elapsed);
        Stop(run, end);
        Activity.Current = around;
    }

    /// <summary>Leaves the current span as it is, which ending one would change.</summary>
    private static void Stop(Activity? activity, DateTimeOffset end)
    {
        var around = Activity.Current;
        activity?.SetEndTime(end.UtcDateTime);
        activity?.Stop();
        Activity.Current = around;
    }
}
