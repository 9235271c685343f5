using LoupeGrpc.Engine.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>Whether the engine still works. Once it is stopping or what it runs on is lost, it stays so. Thread-safe.</summary>
internal sealed class EngineHealth(string provider, ILogger logger)
{
    /// <summary>What frames are told when the engine goes.</summary>
    public static readonly FrameFailure Stopping = new(FailureKind.Canceled, "The engine is stopping.");

    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _losing = new();
    private volatile FrameFailure? _failure;
    private Action<FrameFailure> _end = static _ => { };

    /// <summary>Ends with the reason when the device is lost.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>What every frame is answered; null while all is well.</summary>
    public FrameFailure? Failure => _failure;

    /// <summary>Before the first frame.</summary>
    /// <param name="end">Called once, with <see cref="Failure"/>, when the engine works no longer; before the host hears of a loss.</param>
    public void OnEnd(Action<FrameFailure> end) => _end = end;

    /// <summary>Frames are to be given up.</summary>
    public void Abort()
    {
        if (Interlocked.CompareExchange(ref _failure, Stopping, null) is null)
        {
            _end(Stopping);
        }
    }

    /// <param name="reason">For people. The first one counts.</param>
    /// <returns><see cref="Failure"/>.</returns>
    public FrameFailure Lose(string reason)
    {
        lock (_losing)
        {
            if (_failure is { } known)
            {
                return known;
            }

            // Before the host hears of it and ends.
            EngineLog.DeviceLost(logger, provider, reason);
            var failure = new FrameFailure(FailureKind.ModelFault, $"{provider} was lost: {reason}");
            if (Interlocked.CompareExchange(ref _failure, failure, null) is { } earlier)
            {
                return earlier;
            }

            _end(failure);
            _lost.SetResult(reason);
            return failure;
        }
    }
}
