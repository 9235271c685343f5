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

    /// <summary>A stage has just ended. Until this is disposed of its span is the current one, so that a measurement may become an exemplar.</summary>
    internal PastSpan Stage(string name, TimeSpan elapsed) => new(name, _frame.Context, elapsed, _time.GetUtcNow());

    /// <summary>A run of several frames has just ended.</summary>
    /// <param name="frames">Those of its frames that are traced, at least one; the first one's trace holds the run's span.</param>
    /// <param name="count">All of its frames.</param>
    internal static void Run(string name, TimeSpan elapsed, IReadOnlyList<FrameSpan> frames, int bucket, int count)
    {
        new PastSpan(
            $"run {name}",
            frames[0]._frame.Context,
            elapsed,
            frames[0]._time.GetUtcNow(),
            [new("loupe.bucket", bucket), new("loupe.frames", count)],
            frames.Select(static frame => new ActivityLink(frame._frame.Context))).Dispose();
    }

    /// <summary>Leaves the current span as it is, which ending one would change.</summary>
    private static void Stop(Activity? activity, DateTimeOffset end)
    {
        var around = Activity.Current;
        activity?.SetEndTime(end.UtcDateTime);
        activity?.Stop();
        Activity.Current = around;
    }

    /// <summary>The span of something that is over, which is the current one until it is disposed of. The one before it is then again.</summary>
    internal readonly struct PastSpan : IDisposable
    {
        private readonly Activity? _around = Activity.Current;
        private readonly Activity? _activity;
        private readonly DateTimeOffset _end;

        public PastSpan(
            string name,
            ActivityContext parent,
            TimeSpan elapsed,
            DateTimeOffset end,
            IEnumerable<KeyValuePair<string, object?>>? tags = null,
            IEnumerable<ActivityLink>? links = null)
        {
            _end = end;
            _activity = Source.StartActivity(name, ActivityKind.Internal, parent, tags, links, end - elapsed);
        }

        public void Dispose()
        {
            Stop(_activity, _end);
            Activity.Current = _around;
        }
    }
}
