using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What the workers of all stages share.</summary>
internal sealed record StageContext(FrameExit Exit, FailureClassifier Classifier, StageClock Clock);

/// <summary>
/// The frames that wait for a stage, and the threads that work on them. Threads of their own, because their work is computation that takes up to seconds:
/// on the thread pool it would starve whoever answers the network.
/// </summary>
internal sealed class Stage
{
    private readonly StageContext _context;
    private readonly bool _runsModel;
    private readonly int _place;
    private readonly Cores _cores;
    private IReadOnlyList<(IStageWorker Worker, Thread Thread)> _workers = [];

    private Stage(string name, int place, int capacity, bool runsModel, Cores cores, StageContext context)
    {
        Name = name;
        Queue = new StageQueue<FrameJob>(name, capacity, static job => job.Request.IsUrgent, static job => job.Part is not null);
        _place = place;
        _runsModel = runsModel;
        _cores = cores;
        _context = context;
    }

    public string Name { get; }

    public StageQueue<FrameJob> Queue { get; }

    public FrameExit Exit => _context.Exit;

    public FailureClassifier Classifier => _context.Classifier;

    public StageClock Clock => _context.Clock;

    /// <param name="place">On the way of a frame, ascending.</param>
    /// <param name="capacity">The most frames that can be before this stage at a time.</param>
    /// <param name="runsModel">Its work may hang.</param>
    /// <param name="cores">That its work is done on.</param>
    /// <param name="createWorker">Called once for each thread.</param>
    public static Stage Create(
        string name, int place, int workers, int capacity, bool runsModel, Cores cores, StageContext context, Func<Stage, IStageWorker> createWorker)
    {
        var stage = new Stage(name, place, capacity, runsModel, cores, context);
        stage._workers = [.. Enumerable.Range(0, workers).Select(index =>
        {
            var worker = createWorker(stage);
            return (worker, new Thread(() => Work(worker)) { IsBackground = true, Name = $"loupe-{name}-{index}" });
        })];
        return stage;
    }

    /// <summary>Before the first frame.</summary>
    public void Start()
    {
        foreach (var (_, thread) in _workers)
        {
            thread.Start();
        }
    }

    /// <summary>Puts a frame before the stage.</summary>
    public void Send(FrameJob job)
    {
        job.QueuedAt = Clock.Now;
        job.WaitIn(Queue);
        Queue.Add(job);
        _cores.Look();
        Exit.LeaveIfOver(job);
    }

    /// <summary>Puts frames before the stage that stay beside each other.</summary>
    public void Send(IReadOnlyList<FrameJob> jobs)
    {
        long now = Clock.Now;
        foreach (var job in jobs)
        {
            job.QueuedAt = now;
            job.WaitIn(Queue);
        }

        Queue.AddRange(jobs);
        _cores.Look();
        LeaveIfOver(jobs);
    }

    /// <summary>Puts frames that were taken and have to be worked on again before all others.</summary>
    public void PutBack(IReadOnlyList<FrameJob> jobs)
    {
        foreach (var job in jobs)
        {
            job.WaitIn(Queue);
        }

        Queue.PutBack(jobs);
        _cores.Look();
        LeaveIfOver(jobs);
    }

    /// <summary>For one of the workers.</summary>
    /// <param name="select">Takes the frames that it works on next out of those that wait, of which there is one at least.</param>
    public CoreSeat CreateSeat(Action<List<FrameJob>> select) => new CoreSeat<FrameJob>(_place, Queue, select);

    /// <summary>Waits for frames and for a core, takes those that the seat selects, works on them and lets the core go.</summary>
    /// <returns>False: nothing comes any more.</returns>
    public bool Work(CoreSeat seat, Action work)
    {
        if (!_cores.Take(seat))
        {
            return false;
        }

        try
        {
            work();
        }
        finally
        {
            _cores.Return();
        }

        return true;
    }

    /// <summary>The worker that took a frame begins with it.</summary>
    /// <returns>Why it should not: the frame leaves. Null: it should.</returns>
    public AnalysisOutcome? Begin(FrameJob job, long now)
    {
        job.Begin(_runsModel ? FrameState.Running : FrameState.Working);
        return Exit.Refuse(job, now);
    }

    /// <summary>Lets the threads go when nothing waits, and what still waits for no core.</summary>
    public void Close()
    {
        Queue.Close();
        _cores.Open();
    }

    /// <summary>After <see cref="Close"/>: waits for the threads to end.</summary>
    /// <param name="limit">How long at most; null: as long as it takes.</param>
    /// <returns>False: one of them has not ended, and what it uses must stay.</returns>
    public bool Join(TimeSpan? limit)
    {
        bool ended = true;
        foreach (var (worker, thread) in _workers)
        {
            if (thread.Join(limit ?? Timeout.InfiniteTimeSpan))
            {
                worker.Dispose();
            }
            else
            {
                ended = false;
            }
        }

        return ended;
    }

    private static void Work(IStageWorker worker)
    {
        while (worker.Work())
        {
            // Until nothing comes any more.
        }
    }

    private void LeaveIfOver(IReadOnlyList<FrameJob> jobs)
    {
        foreach (var job in jobs)
        {
            Exit.LeaveIfOver(job);
        }
    }
}
