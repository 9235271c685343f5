using System.Collections.Concurrent;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// What becomes of the frames of a run that failed. Short of memory: smaller runs from now on, and these frames again. Any other failure of several
/// frames: each again by itself. Of one frame: its own failure, unless it shows that the device is gone. Thread-safe.
/// </summary>
internal sealed class RunJudge(ModelRuns runs, EngineHealth health, ILogger logger)
{
    // In a row, in runs of one frame of the same stage: once may be a neighbour's peak.
    private const int LostAfterShortages = 2;

    private static readonly FrameFailure OwnFailure =
        new(FailureKind.ModelFault, "The model failed on this frame; the server's log has the reason.");

    private readonly Lock _checking = new();
    private readonly Lock _losing = new();
    private readonly ConcurrentDictionary<string, int> _shortages = new(StringComparer.Ordinal);

    private bool IsDevice => runs.Model.Target.IsDevice;

    /// <summary>A stage has done its work on one or several frames.</summary>
    public void Succeeded(string stage) => _shortages.TryRemove(stage, out _);

    /// <param name="stage">Whose work failed.</param>
    /// <param name="bucket">Frames that the run had room for.</param>
    /// <param name="jobs">Its frames.</param>
    /// <returns>The failure of the frames, or null: they are to run again, as <see cref="BatchSizes"/> and <see cref="FrameJob.RunsAlone"/> say now.</returns>
    public FrameFailure? Judge(Exception exception, string stage, int bucket, IReadOnlyList<FrameJob> jobs)
    {
        if (health.Failure is { } known)
        {
            return known;
        }

        if (exception is not OnnxRuntimeException)
        {
            EngineLog.StageFailed(logger, stage, exception);
            return new FrameFailure(FailureKind.Internal, "The server failed on this frame; its log has the reason.");
        }

        if (DeviceFaults.IsOutOfMemory(exception.Message))
        {
            return bucket > 1 ? Halve(stage, bucket) : RefuseForMemory(stage, exception);
        }

        EngineLog.RunFailed(logger, stage, exception);
        if (IsDevice && DeviceFaults.IsSticky(exception.Message))
        {
            return Lose(OrtMessage.Of(exception));
        }

        if (jobs.Count > 1)
        {
            foreach (var job in jobs)
            {
                job.RunsAlone = true;
            }

            return null;
        }

        return IsDevice ? Check(exception) : OwnFailure;
    }

    /// <summary>As the other, for work on one frame.</summary>
    public FrameFailure JudgeOne(Exception exception, string stage, FrameJob job) => Judge(exception, stage, bucket: 1, [job]) ?? OwnFailure;

    private FrameFailure? Halve(string stage, int bucket)
    {
        if (runs.Halve(bucket) is { } largest)
        {
            EngineLog.BatchHalved(logger, runs.Model.Target.Provider, stage, bucket, largest);
        }

        return null;
    }

    private FrameFailure RefuseForMemory(string stage, Exception exception)
    {
        EngineLog.RunFailed(logger, stage, exception);
        return IsDevice && _shortages.AddOrUpdate(stage, 1, static (_, count) => count + 1) >= LostAfterShortages
            ? Lose($"no memory for a single frame, {LostAfterShortages} times in a row: {OrtMessage.Of(exception)}")
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
                return Lose($"{OrtMessage.Of(exception)}; the self-check after it: {OrtMessage.Of(second)}");
            }
        }
    }

    private FrameFailure Lose(string reason)
    {
        lock (_losing)
        {
            if (health.Failure is { } known)
            {
                return known;
            }

            // Before the host hears of it and ends.
            EngineLog.DeviceLost(logger, runs.Model.Target.Provider, reason);
            return health.Lose(reason);
        }
    }
}
