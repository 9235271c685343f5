using System.Threading.Channels;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// A bounded channel and the threads that empty it. Threads of their own, because their work is computation that takes up to seconds:
/// on the thread pool it would starve whoever answers the network.
/// </summary>
internal sealed class PipelineStage<T> : IDisposable
{
    private readonly string _name;
    private readonly Channel<T> _channel;
    private readonly StageWorker<T>[] _workers;
    private readonly WorkerThreads _threads;

    /// <param name="capacity">At least as many items as can be before this stage at a time.</param>
    /// <param name="createWorker">Called once for each thread.</param>
    public PipelineStage(string name, int capacity, int workers, Func<StageWorker<T>> createWorker)
    {
        _name = name;
        _channel = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { AllowSynchronousContinuations = false });
        _workers = [.. Enumerable.Range(0, workers).Select(_ => createWorker())];
        _threads = new WorkerThreads(name, _workers.Select(worker => (Action)(() => Work(worker))));
    }

    /// <summary>Never waits: what may be before a stage is bounded by admission.</summary>
    public void Enqueue(T item)
    {
        if (!_channel.Writer.TryWrite(item))
        {
            throw new InvalidOperationException($"The {_name} stage has no room for a frame that was admitted.");
        }
    }

    /// <summary>Ends the threads when the channel is empty.</summary>
    public void Dispose()
    {
        _channel.Writer.Complete();
        _threads.Join();
        foreach (var worker in _workers)
        {
            worker.Owned?.Dispose();
        }
    }

    private void Work(StageWorker<T> worker)
    {
        var reader = _channel.Reader;
        while (WaitToRead(reader))
        {
            while (reader.TryRead(out var item))
            {
                worker.Run(item);
            }
        }
    }

    private static bool WaitToRead(ChannelReader<T> reader)
    {
        var wait = reader.WaitToReadAsync();
        return wait.IsCompleted ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
    }
}

/// <summary>The work of one thread of a stage.</summary>
/// <param name="Run">Must not throw.</param>
/// <param name="Owned">Goes with the stage.</param>
internal sealed record StageWorker<T>(Action<T> Run, IDisposable? Owned = null);
