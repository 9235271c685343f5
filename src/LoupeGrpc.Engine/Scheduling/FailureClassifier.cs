using System.Collections.Concurrent;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>What becomes of the frames of a run that failed.</summary>
/// <param name="Failure">Their answer. Null: they are to run again, as <see cref="BatchSizes"/> says now.</param>
/// <param name="RunAlone">Each by itself then.</param>
internal readonly record struct RunVerdict(FrameFailure? Failure, bool RunAlone = false);

/// <summary>
/// What a failure means. Short of memory: smaller runs from now on, and these frames again. Any other failure of several
/// frames: each again by itself. Of one frame: its own failure, unless it shows that the device is gone. Thread-safe.
/// </summary>
internal sealed class FailureClassifier(ModelRuns runs, EngineHealth health, ILogger logger)
{
    // In a row, in runs of one frame of the same stage: once may be a neighbour's peak.
    private const int LostAfterShortages = 2;

    private static readonly FrameFailure OwnFailure =
        new(FailureKind.ModelFault, "The model failed on this frame; the server's log has the reason.");

    private static readonly FrameFailure NoMemory = new(
        FailureKind.Overloaded,
        "There was not enough memory for this frame. Loupe:Engine:MaxBytesInPipeline bounds the memory of all frames together, Loupe:Limits:MaxPixels that of one.");

    private readonly Lock _checking = new();
    private readonly ConcurrentDictionary<string, int> _shortages = new(StringComparer.Ordinal);

    private bool IsDevice => runs.Model.Target.IsDevice;

    /// <summary>A run of a stage has succeeded.</summary>
    public void Succeeded(string stage) => _shortages.TryRemove(stage, out _);

    /// <param name="stage">Whose work failed.</param>
    /// <param name="bucket">Frames that the run had room for.</param>
    /// <param name="frames">Frames that it had.</param>
    public RunVerdict Classify(Exception exception, string stage, int bucket, int frames)
    {
        if (health.Failure is { } known)
        {
            return new(known);
        }

        if (exception is not OnnxRuntimeException)
        {
            return MemoryFaults.IsShortage(exception) ? ClassifyShortage(exception, stage, bucket) : new(FailInternally(exception, stage));
        }

        if (MemoryFaults.IsShortage(exception))
        {
            return IsDevice && bucket == 1 ? new(RefuseForDeviceMemory(stage, exception)) : ClassifyShortage(exception, stage, bucket);
        }

        EngineLog.RunFailed(logger, stage, exception);
        if (IsDevice && DeviceFaults.IsSticky(exception.Message))
        {
            return new(health.Lose(OrtMessage.Of(exception)));
        }

        return frames > 1 ? new(null, RunAlone: true) : new(IsDevice ? Check(exception) : OwnFailure);
    }

    /// <summary>As the other, for work on one frame that is not done again.</summary>
    public FrameFailure ClassifyOne(Exception exception, string stage) => Classify(exception, stage, bucket: 1, frames: 1).Failure ?? OwnFailure;

    private FrameFailure FailInternally(Exception exception, string stage)
    {
        EngineLog.StageFailed(logger, stage, exception);
        return new FrameFailure(FailureKind.Internal, "The server failed on this frame; its log has the reason.");
    }

    private RunVerdict ClassifyShortage(Exception exception, string stage, int bucket)
    {
        if (bucket == 1)
        {
            EngineLog.FrameWithoutMemory(logger, stage, exception);
            return new(NoMemory);
        }

        if (runs.Halve(bucket) is { } largest)
        {
            EngineLog.BatchHalved(logger, runs.Model.Target.Provider, stage, bucket, largest);
        }

        return new(null);
    }

    private FrameFailure RefuseForDeviceMemory(string stage, Exception exception)
    {
        EngineLog.RunFailed(logger, stage, exception);
        return _shortages.AddOrUpdate(stage, 1, static (_, count) => count + 1) >= LostAfterShortages
            ? health.Lose($"no memory for a single frame, {LostAfterShortages} times in a row: {OrtMessage.Of(exception)}")
            : OwnFailure;
    }

    /// <summary>Whether the device still answers as it did at the start.</summary>
    private FrameFailure Check(Exception exception)
    {
        lock (_checking)
        {
            if (health.Failure is { } known)
            {
                return known;
            }

            try
            {
                runs.CheckAgain();
                return OwnFailure;
            }
            catch (Exception second) when (second is OnnxRuntimeException or SelfCheckException)
            {
                return health.Lose($"{OrtMessage.Of(exception)}; the self-check after it: {OrtMessage.Of(second)}");
            }
        }
    }
}
