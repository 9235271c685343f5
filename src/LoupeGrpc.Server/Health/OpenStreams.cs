namespace LoupeGrpc.Server.Health;

/// <summary>Streams that are no sessions and end by themselves when the server begins to stop. Thread-safe.</summary>
internal sealed class OpenStreams
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _ended;
    private int _count;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <returns>To be disposed of when the stream has ended.</returns>
    public IDisposable Open()
    {
        lock (_lock)
        {
            _count++;
        }

        return new Stream(this);
    }

    /// <summary>Completes when none is open.</summary>
    public Task EndAsync()
    {
        lock (_lock)
        {
            if (_count == 0)
            {
                return Task.CompletedTask;
            }

            _ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _ended.Task;
        }
    }

    private void Close()
    {
        lock (_lock)
        {
            if (--_count == 0)
            {
                _ended?.SetResult();
                _ended = null;
            }
        }
    }

    private sealed class Stream(OpenStreams streams) : IDisposable
    {
        private OpenStreams? _streams = streams;

        public void Dispose() => Interlocked.Exchange(ref _streams, null)?.Close();
    }
}
