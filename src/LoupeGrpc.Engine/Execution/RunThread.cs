using System.Collections.Concurrent;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The one thread on which a session on a device runs: providers keep state for each thread that ever ran a session.</summary>
internal sealed class RunThread : IDisposable
{
    private readonly BlockingCollection<Work> _work = [];
    private readonly Thread _thread;

    public RunThread(string name)
    {
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Runs on the thread, one caller after the other, and waits for the end. What it throws is thrown here.</summary>
    public void Invoke(Action action)
    {
        var work = new Work(action);
        _work.Add(work);
        work.Task.GetAwaiter().GetResult();
    }

    /// <summary>After the last caller has returned.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Loop()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work.Run();
        }
    }

    private sealed class Work(Action action) : TaskCompletionSource
    {
        public void Run()
        {
            try
            {
                action();
                SetResult();
            }
            catch (Exception exception)
            {
                SetException(exception);
            }
        }
    }
}
