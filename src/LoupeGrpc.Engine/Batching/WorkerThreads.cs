namespace LoupeGrpc.Engine.Batching;

/// <summary>The threads of a stage.</summary>
internal sealed class WorkerThreads
{
    private readonly Thread[] _threads;

    /// <param name="loops">One for each thread; ends when the stage has nothing more to do.</param>
    public WorkerThreads(string stage, IEnumerable<Action> loops)
    {
        _threads = [.. loops.Select((loop, index) => new Thread(() => loop()) { IsBackground = true, Name = $"loupe-{stage}-{index}" })];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    public void Join()
    {
        foreach (var thread in _threads)
        {
            thread.Join();
        }
    }
}
