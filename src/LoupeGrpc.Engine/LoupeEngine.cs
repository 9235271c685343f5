using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine;

/// <summary>Runs one model package. Thread-safe.</summary>
public sealed class LoupeEngine : IAsyncDisposable
{
    private LoupeEngine()
    {
    }

    public ModelPackage Package => throw new NotImplementedException();

    public EngineOptions Options => throw new NotImplementedException();

    public ExecutionDescription Execution => throw new NotImplementedException();

    /// <summary>Loads the graphs, runs the golden self-check and warms up.</summary>
    /// <exception cref="ModelLoadException">The package cannot be run here; the message says why.</exception>
    public static Task<LoupeEngine> StartAsync(
        ModelPackage package, EngineOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>
    /// Analyses one frame. Waits while the pipeline is full: that is the back-pressure. Expected failures come back as values;
    /// cancellation too (<see cref="FailureKind.Canceled"/>).
    /// </summary>
    public ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Answers what is inside, refuses what comes, frees the sessions.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
