namespace LoupeGrpc.Engine.Adaptation;

/// <summary>Lets one caller in at a time, strictly in the order they came. Thread-safe.</summary>
internal sealed class SessionTurns
{
    private readonly Lock _lock = new();
    private Task _last = Task.CompletedTask;
    private TaskCompletionSource? _current;

    /// <summary>Waits for those before. Who was canceled while waiting must not <see cref="Leave"/>.</summary>
    public async Task EnterAsync(CancellationToken cancellationToken)
    {
        Task before;
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            before = _last;
            _last = turn.Task;
        }

        try
        {
            await before.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Its place in the queue goes on to the next when it comes up.
            _ = before.ContinueWith(static (_, state) => ((TaskCompletionSource)state!).SetResult(), turn, TaskScheduler.Default);
            throw;
        }

        _current = turn;
    }

    /// <summary>Lets the next one in.</summary>
    public void Leave()
    {
        var turn = _current ?? throw new InvalidOperationException("Nobody has the turn.");
        _current = null;
        turn.SetResult();
    }
}
