namespace LoupeGrpc.Engine.Batching;

/// <summary>Whether the engine still works. Once it is stopping or what it runs on is lost, it stays so. Thread-safe.</summary>
internal sealed class EngineHealth(string provider)
{
    /// <summary>What frames are told when the engine goes.</summary>
    public static readonly FrameFailure Stopping = new(FailureKind.Canceled, "The engine is stopping.");

    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile FrameFailure? _failure;

    /// <summary>Ends with the reason when the device is lost.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>What every frame is answered; null while all is well.</summary>
    public FrameFailure? Failure => _failure;

    /// <summary>Frames are to be given up.</summary>
    public void Abort() => Interlocked.CompareExchange(ref _failure, Stopping, null);

    /// <param name="reason">For people. The first one counts.</param>
    /// <returns><see cref="Failure"/>.</returns>
    public FrameFailure Lose(string reason)
    {
        var failure = new FrameFailure(FailureKind.ModelFault, $"{provider} was lost: {reason}");
        if (Interlocked.CompareExchange(ref _failure, failure, null) is { } earlier)
        {
            return earlier;
        }

        _lost.SetResult(reason);
        return failure;
    }
}
