using System.Threading.Channels;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>In the ladder's place: the test sees each frame arrive and says when it is answered, and how. No clock is involved.</summary>
internal sealed class ScriptedAnalyzer : IFrameAnalyzer
{
    private readonly Channel<ScriptedAnalysis> _arrived = Channel.CreateUnbounded<ScriptedAnalysis>();
    private int _inside;

    public ModelDescription Model { get; init; } = new("scripted", "1", new string('0', 64), Demonstration: true, ImageSize: 224, Grid: 16);

    public ExecutionDescription Execution { get; set; } = new("CPU", "fp32", string.Empty);

    /// <summary>What the session goes to whose frame comes next, before that frame; null: it stays.</summary>
    public ExecutionDescription? Next { get; set; }

    public FrameCapacity Capacity => new(32, Heavy: 32, Urgent: 0);

    public IReadOnlyList<RungReport> Ladder => [new RungReport("CPU", RungState.Serving, string.Empty, "fp32", string.Empty, null, 0)];

    public bool IsOverdue { get; set; }

    /// <summary>Answers at once where it is set.</summary>
    public Func<FrameInput, AnalysisOutcome>? Answer { get; init; }

    /// <summary>Called before a frame is looked at.</summary>
    public Action? Arriving { get; set; }

    /// <summary>Frames without an answer now.</summary>
    public int Inside => Volatile.Read(ref _inside);

    /// <summary>Whether the last session asked to stay where it is.</summary>
    public bool Pinned { get; private set; }

    public IAnalysisLane OpenLane(bool pinned)
    {
        Pinned = pinned;
        return new Lane(this);
    }

    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => throw new NotSupportedException("Adaptation needs the real engine.");

    private async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _inside);
        try
        {
            Arriving?.Invoke();
            if (Answer is not null)
            {
                return Answer(input);
            }

            var analysis = new ScriptedAnalysis(input, request);
            await using var registration = cancellationToken.Register(analysis.Cancel);
            _arrived.Writer.TryWrite(analysis);
            return await analysis.Outcome;
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    /// <summary>The next frame that arrives.</summary>
    public ValueTask<ScriptedAnalysis> NextAsync() => _arrived.Reader.ReadAsync(Patience.Token());

    /// <summary>Whether a frame has arrived that <see cref="NextAsync"/> did not return yet.</summary>
    public bool HasNext => _arrived.Reader.TryPeek(out _);

    public static FrameAnalysis Result(float score) => new()
    {
        Score = score,
        Verdict = score >= 0.6f ? Verdict.Manipulated : score < 0.4f ? Verdict.Authentic : Verdict.Uncertain,
        Width = 1,
        Height = 1,
        Sha256 = new byte[32],
        MaskOmission = MaskOmission.Policy,
        Timings = new StageTimings(default, default, default, default, default, default, default),
        Execution = new ExecutionDescription("CPU", "fp32", string.Empty),
    };

    private sealed class Lane(ScriptedAnalyzer analyzer) : IAnalysisLane
    {
        public ExecutionDescription Execution { get; private set; } = analyzer.Execution;

        public bool TryMove()
        {
            if (analyzer.Next is not { } next)
            {
                return false;
            }

            (Execution, analyzer.Next) = (next, null);
            return true;
        }

        public ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken) =>
            analyzer.AnalyzeAsync(input, request, cancellationToken);

        public void Dispose()
        {
            // Frames and answers are the analyzer's.
        }
    }
}

/// <summary>One frame inside the scripted engine.</summary>
internal sealed class ScriptedAnalysis(FrameInput input, AnalysisRequest request)
{
    private readonly TaskCompletionSource<AnalysisOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AnalysisRequest Request => request;

    /// <summary>The frame's first byte: tests number their frames with it.</summary>
    public byte Mark => input.Data.Span[0];

    /// <summary>As it was received. Of a large one not beyond its outcome.</summary>
    public ReadOnlyMemory<byte> Data => input.Data;

    /// <summary>Of a raw frame.</summary>
    public RawLayout? Layout => (input as RawInput)?.Layout;

    public Task<AnalysisOutcome> Outcome => _outcome.Task;

    public void Succeed(float score = 0.1f) => _outcome.SetResult(ScriptedAnalyzer.Result(score));

    public void Succeed(FrameAnalysis analysis) => _outcome.SetResult(analysis);

    public void Fail(FailureKind kind) => _outcome.SetResult(new FrameFailure(kind, $"scripted {kind}"));

    public void Throw(Exception exception) => _outcome.SetException(exception);

    public void Cancel() => _outcome.TrySetResult(new FrameFailure(FailureKind.Canceled, "canceled"));
}
