using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>A real engine behind a gate: frames that were let in stand before it until the test lets them pass.</summary>
internal sealed class GatedAnalyzer(IFrameAnalyzer engine) : IFrameAnalyzer, IDisposable
{
    private readonly SemaphoreSlim _gate = new(0);
    private int _standing;

    /// <summary>Frames that stand before the gate.</summary>
    public int Standing => Volatile.Read(ref _standing);

    public ModelDescription Model => engine.Model;

    public ExecutionDescription Execution => engine.Execution;

    public IReadOnlyList<RungReport> Ladder => engine.Ladder;

    public FrameCapacity Capacity => engine.Capacity;

    public bool IsOverdue => engine.IsOverdue;

    /// <summary>Lets so many frames pass, now or when they come.</summary>
    public void Pass(int frames) => _gate.Release(frames);

    /// <summary>Opens the gate for good when it is disposed: a test that failed must not leave a server that waits for its frames by a clock that stands still.</summary>
    public IDisposable OpenAtEnd() => new Opening(this);

    public IAnalysisLane OpenLane(bool pinned) => new Lane(this, engine.OpenLane(pinned));

    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => engine.CreateAdaptation(settings);

    public void Dispose() => _gate.Dispose();

    private sealed class Opening(GatedAnalyzer gated) : IDisposable
    {
        public void Dispose() => gated.Pass(1 << 20);
    }

    private sealed class Lane(GatedAnalyzer gated, IAnalysisLane lane) : IAnalysisLane
    {
        public ExecutionDescription Execution => lane.Execution;

        public bool TryMove() => lane.TryMove();

        public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref gated._standing);
            try
            {
                await gated._gate.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return new FrameFailure(FailureKind.Canceled, "canceled");
            }
            finally
            {
                Interlocked.Decrement(ref gated._standing);
            }

            return await lane.AnalyzeAsync(input, request, cancellationToken);
        }

        public void Dispose() => lane.Dispose();
    }
}
