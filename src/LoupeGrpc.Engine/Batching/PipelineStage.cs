using System.Threading.Channels;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// A bounded channel and the threads that empty it. Threads of their own, because their work is computation that takes up to seconds:
/// on the thread pool it would starve whoever answers the network.
/// </summary>
internal sealed class PipelineStage : IDisposable
{
    private readonly Channel<FrameJob> _channel;
    private readonly IFrameStep[] _steps;
    private readonly Thread[] _threads;
    private readonly Action<IFrameStep, FrameJob> _run;

    /// <param name="capacity">At least as many frames as can be before this stage at a time.</param>
    /// <param name="run">Must not throw.</param>
    public PipelineStage(string name, int capacity, IEnumerable<IFrameStep> steps, Action<IFrameStep, FrameJob> run)
    {
        Name = name;
        _run = run;
        _channel = Channel.CreateBounded<FrameJob>(new BoundedChannelOptions(capacity) { AllowSynchronousContinuations = false });
        _steps = [.. steps];
        _threads = [.. _steps.Select((step, index) => new Thread(() => Work(step)) { IsBackground = true, Name = $"loupe-{name}-{index}" })];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    public string Name { get; }

    /// <summary>Never waits: what may be before a stage is bounded by admission and by the run slots.</summary>
    public void Enqueue(FrameJob job)
    {
        if (!_channel.Writer.TryWrite(job))
        {
            throw new InvalidOperationException($"The {Name} stage has no room for a frame that was admitted.");
        }
    }

    /// <summary>Ends the threads when the channel is empty.</summary>
    public void Dispose()
    {
        _channel.Writer.Complete();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        foreach (var step in _steps)
        {
            (step as IDisposable)?.Dispose();
        }
    }

    private void Work(IFrameStep step)
    {
        var reader = _channel.Reader;
        while (WaitToRead(reader))
        {
            while (reader.TryRead(out var job))
            {
                _run(step, job);
            }
        }
    }

    private static bool WaitToRead(ChannelReader<FrameJob> reader)
    {
        var wait = reader.WaitToReadAsync();
        return wait.IsCompleted ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
    }
}
