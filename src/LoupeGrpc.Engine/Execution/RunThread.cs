using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The one thread on which a session on a device runs: providers keep state for each thread that ever ran a session.</summary>
internal sealed class RunThread : IDisposable
{
    // One run of a stage, and the self-check beside it.
    private const int MostCallers = 128;

    private readonly StageQueue<Work> _work;
    private readonly Thread _thread;

    private RunThread(string name)
    {
        _work = new StageQueue<Work>(name, MostCallers);
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
    }

    public static RunThread Start(string name)
    {
        var thread = new RunThread(name);
        thread._thread.Start();
        return thread;
    }

    /// <summary>Runs on the thread, one caller after the other, and waits for the end. What it throws is thrown here.</summary>
    public void Invoke(Action action)
    {
        var work = new Work(action);
        _work.Add(work);
#pragma warning disable RS0030 // Called by a thread that a stage owns, which has nothing else to do.
        work.Task.GetAwaiter().GetResult();
#pragma warning restore RS0030
    }

    /// <summary>After the last caller has returned.</summary>
    public void Dispose()
    {
        _work.Close();
        _thread.Join();
    }

    private void Loop()
    {
        while (_work.Take() is { } work)
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
