using System.Collections.Concurrent;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Inference;

/// <summary>What was answered over this protocol since the server was started, by model and version. Thread-safe.</summary>
internal sealed class InferenceStatistics
{
    private readonly ConcurrentDictionary<(string Name, string Version), Counts> _counts = [];

    /// <summary>What there is to say of a version now.</summary>
    public InferenceTally Of(string name, string version) => _counts.TryGetValue((name, version), out var counts) ? counts.Read() : new InferenceTally();

    /// <param name="ends">Of its pictures.</param>
    public void Succeeded(string name, string version, IReadOnlyList<FrameEnd> ends, TimeSpan took, DateTimeOffset now) =>
        CountsOf(name, version).Add(tally => ends.OfType<FrameEnd.Analysed>().Select(static end => end.Analysis.Timings).Aggregate(
            tally with { Requests = tally.Requests + 1, Took = tally.Took + took, Last = now }, static (sum, timings) => sum.With(timings)));

    public void Failed(string name, string version, TimeSpan took) =>
        CountsOf(name, version).Add(tally => tally with { Failures = tally.Failures + 1, FailuresTook = tally.FailuresTook + took });

    private Counts CountsOf(string name, string version) => _counts.GetOrAdd((name, version), static _ => new Counts());

    private sealed class Counts
    {
        private readonly Lock _lock = new();
        private InferenceTally _tally = new();

        public InferenceTally Read()
        {
            lock (_lock)
            {
                return _tally;
            }
        }

        public void Add(Func<InferenceTally, InferenceTally> change)
        {
            lock (_lock)
            {
                _tally = change(_tally);
            }
        }
    }
}

/// <summary>Counts and times, together.</summary>
internal sealed record InferenceTally
{
    /// <summary>That were answered.</summary>
    public long Requests { get; init; }

    public TimeSpan Took { get; init; }

    public long Failures { get; init; }

    public TimeSpan FailuresTook { get; init; }

    /// <summary>Pictures that were answered.</summary>
    public long Pictures { get; init; }

    public TimeSpan Queue { get; init; }

    /// <summary>Decoding and preprocessing.</summary>
    public TimeSpan Input { get; init; }

    /// <summary>Runs of the model.</summary>
    public TimeSpan Model { get; init; }

    /// <summary>Masks.</summary>
    public TimeSpan Output { get; init; }

    /// <summary>When the last request was answered; null: there was none.</summary>
    public DateTimeOffset? Last { get; init; }

    /// <summary>And a picture more.</summary>
    public InferenceTally With(StageTimings timings) => this with
    {
        Pictures = Pictures + 1,
        Queue = Queue + timings.Queue,
        Input = Input + timings.Decode + timings.Preprocess,
        Model = Model + timings.Encode + timings.Segment + timings.Adapt,
        Output = Output + timings.Mask + timings.Dual,
    };
}
