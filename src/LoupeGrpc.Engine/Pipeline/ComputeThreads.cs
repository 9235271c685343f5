namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// Threads that work for several stages. A thread that is free chooses among all that waits: what is urgent first, then what is farthest on its way. With as many
/// threads as cores, a frame that is worked on has a core to itself; with threads of each stage's own all stages would compute at once, the system would divide the
/// cores among them, and every frame, the urgent ones too, would take several times as long as its work. A frame mostly stays with its thread from one stage to the
/// next. They are not those of the thread pool, because the work is computation that takes up to seconds: there it would starve whoever answers the network.
/// </summary>
internal sealed class ComputeThreads
{
    private readonly object _lock = new();
    private readonly List<Post> _idle = [];
    private readonly List<Post> _all = [];
    private readonly IReadOnlyList<Thread> _threads;
    private int _round;
    private bool _closed;

    /// <param name="name">Of the threads, for debuggers.</param>
    /// <param name="count">At least 1.</param>
    public ComputeThreads(string name, int count) =>
        _threads = [.. Enumerable.Range(0, count).Select(index => new Thread(Loop) { IsBackground = true, Name = $"loupe-{name}-{index}" })];

    /// <summary>Before <see cref="Start"/>.</summary>
    /// <param name="worker">Owned. At most one thread works with it at a time.</param>
    public void Add(IStageLine stage, IStageWorker worker)
    {
        var post = new Post(stage, worker);
        _all.Add(post);
        _idle.Add(post);
    }

    public void Start()
    {
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>Something came before a stage, or something came back that a stage needs.</summary>
    public void Look()
    {
        lock (_lock)
        {
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Lets the threads go when nothing waits.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>After <see cref="Close"/>: waits for the threads to end.</summary>
    /// <param name="left">How long to wait from now on; null: as long as it takes.</param>
    /// <returns>Stages where one of them has not ended; what it uses must stay.</returns>
    public IReadOnlyList<string> Join(Func<TimeSpan?> left)
    {
        foreach (var thread in _threads)
        {
            thread.Join(left() ?? Timeout.InfiniteTimeSpan);
        }

        lock (_lock)
        {
            _idle.ForEach(static post => post.Worker.Dispose());
            return [.. _all.Except(_idle).Select(static post => post.Stage.Name)];
        }
    }

    private void Loop()
    {
        while (Take() is { } post)
        {
            post.Worker.Work();
            lock (_lock)
            {
                _idle.Add(post);
            }
        }
    }

    /// <summary>Waits for work.</summary>
    /// <returns>Null: there is none, and none comes any more.</returns>
    private Post? Take()
    {
        lock (_lock)
        {
            while (true)
            {
                if (TryTake() is { } post)
                {
                    return post;
                }

                if (_closed)
                {
                    return null;
                }

                Monitor.Wait(_lock);
            }
        }
    }

    private Post? TryTake()
    {
        _round++;
        while (Next() is { } post)
        {
            if (post.Worker.TryTake())
            {
                _idle.Remove(post);
                return post;
            }

            // It lacks something that will come back, or somebody else took the frame.
            post.LackedIn = _round;
        }

        return null;
    }

    private Post? Next()
    {
        Post? best = null;
        bool isUrgent = false;
        foreach (var post in _idle)
        {
            if (post.LackedIn != _round && post.Stage.HeadIsUrgent is { } urgent
                && (best is null || (urgent == isUrgent ? post.Stage.Place > best.Stage.Place : urgent)))
            {
                (best, isUrgent) = (post, urgent);
            }
        }

        return best;
    }

    private sealed class Post(IStageLine stage, IStageWorker worker)
    {
        public IStageLine Stage => stage;

        public IStageWorker Worker => worker;

        public int LackedIn { get; set; }
    }
}
