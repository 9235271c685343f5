using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What the workers of all stages share.</summary>
internal sealed record StageContext(FrameExit Exit, FailureClassifier Classifier, StageClock Clock);

/// <summary>The frames that wait for a stage.</summary>
internal sealed class Stage : IStageLine
{
    private readonly StageContext _context;
    private readonly bool _runsModel;
    private readonly ComputeThreads _threads;

    /// <param name="place">On the way of a frame, ascending.</param>
    /// <param name="capacity">The most frames that can be before this stage at a time.</param>
    /// <param name="runsModel">Its work may hang.</param>
    /// <param name="threads">That work on it.</param>
    public Stage(string name, int place, int capacity, bool runsModel, ComputeThreads threads, StageContext context)
    {
        Name = name;
        Place = place;
        Queue = new StageQueue<FrameJob>(name, capacity, static job => job.Request.IsUrgent, static job => job.Part is not null);
        _runsModel = runsModel;
        _threads = threads;
        _context = context;
    }

    public string Name { get; }

    public int Place { get; }

    public bool? HeadIsUrgent => Queue.HeadIsUrgent;

    public StageQueue<FrameJob> Queue { get; }

    public FrameExit Exit => _context.Exit;

    public FailureClassifier Classifier => _context.Classifier;

    public StageClock Clock => _context.Clock;

    /// <summary>Puts a frame before the stage.</summary>
    public void Send(FrameJob job)
    {
        job.QueuedAt = Clock.Now;
        job.WaitIn(Queue);
        Queue.Add(job);
        _threads.Look();
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
        _threads.Look();
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
        _threads.Look();
        LeaveIfOver(jobs);
    }

    /// <summary>Something came back that its workers need.</summary>
    public void Look() => _threads.Look();

    /// <summary>The worker that took a frame begins with it.</summary>
    /// <returns>Why it should not: the frame leaves. Null: it should.</returns>
    public AnalysisOutcome? Begin(FrameJob job, long now)
    {
        job.Begin(_runsModel ? FrameState.Running : FrameState.Working);
        return Exit.Refuse(job, now);
    }

    private void LeaveIfOver(IReadOnlyList<FrameJob> jobs)
    {
        foreach (var job in jobs)
        {
            Exit.LeaveIfOver(job);
        }
    }
}
