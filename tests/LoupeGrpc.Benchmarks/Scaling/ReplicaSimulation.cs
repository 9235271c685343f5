namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>
/// A server as a line of stages that share processors, by discrete events: no clock, and the same numbers from the same arguments. Its stages are those of the engine's
/// pipeline, with as many workers; work that wants more processors than there are is slowed down, all of it alike.
/// </summary>
internal sealed class ReplicaSimulation
{
    private readonly Stage[] _stages;
    private readonly Pool[] _pools;
    private readonly IReadOnlyList<FrameWork> _works;
    private readonly Random _random;
    private readonly List<Run> _running = [];
    private readonly PriorityQueue<Job, double> _arrivals = new();
    private double _now;

    private ReplicaSimulation(Replica replica, IReadOnlyList<FrameWork> works, int seed)
    {
        _works = works;
        _random = new Random(seed);
        var processors = new Pool(replica.Processors);
        // One run at a time: two of them would take twice as long each.
        var device = replica.Device is null ? processors : new Pool(1);
        _pools = [processors, device];
        var threads = replica.Device is null ? replica.Threads : 1;
        var batch = replica.Device?.MaxBatch ?? 1;
        _stages =
        [
            new Stage(processors, 1, int.MaxValue, 1, static jobs => jobs[0].Work.Serve),
            new Stage(processors, 1, replica.DecodeWorkers, 1, static jobs => jobs[0].Work.Decode),
            new Stage(device, threads, 1, batch, jobs => replica.Device?.Encode.Of(jobs.Count) ?? jobs[0].Work.Encode),
            new Stage(device, threads, 1, batch, jobs => jobs[0].Work.Segment == 0 ? 0 : replica.Device?.Segment.Of(jobs.Count) ?? jobs[0].Work.Segment),
            new Stage(processors, 1, replica.DecodeWorkers, 1, static jobs => jobs[0].Work.Mask),
            new Stage(device, threads, 1, 1, jobs => jobs[0].Work.Adapt == 0 ? 0 : replica.Device?.Step ?? jobs[0].Work.Adapt),
        ];
    }

    /// <summary>Frames that come when they come.</summary>
    /// <param name="works">Frames that were measured; each simulated one is one of them.</param>
    /// <param name="transit">Seconds of each frame that nobody computes.</param>
    /// <param name="arrivals">Seconds.</param>
    /// <param name="from">Frames that came before it are not counted.</param>
    /// <returns>Seconds from arrival to outcome of each.</returns>
    public static List<double> Latencies(Replica replica, IReadOnlyList<FrameWork> works, double transit, IEnumerable<double> arrivals, double from, int seed)
    {
        var simulation = new ReplicaSimulation(replica, works, seed);
        foreach (var at in arrivals)
        {
            simulation.Arrive(at);
        }

        List<double> latencies = [];
        simulation.Go(double.PositiveInfinity, job =>
        {
            if (job.ArrivedAt >= from)
            {
                latencies.Add(simulation._now - job.ArrivedAt + transit);
            }
        });
        return latencies;
    }

    /// <summary>Frames a second of callers that always have as many before the server as it can use.</summary>
    public static double Capacity(Replica replica, IReadOnlyList<FrameWork> works)
    {
        const double Seconds = 200;
        var simulation = new ReplicaSimulation(replica, works, seed: 1);
        for (var i = 0; i < 64 * (replica.Device?.MaxBatch ?? 1); i++)
        {
            simulation.Arrive(0);
        }

        var done = 0;
        simulation.Go(Seconds, _ =>
        {
            done += simulation._now >= Seconds / 10 ? 1 : 0;
            simulation.Arrive(simulation._now);
        });
        return done / (Seconds * 0.9);
    }

    private void Arrive(double at) => _arrivals.Enqueue(new Job(at, _works[_random.Next(_works.Count)]), at);

    /// <param name="done">A frame has its outcome.</param>
    private void Go(double until, Action<Job> done)
    {
        while (true)
        {
            foreach (var pool in _pools)
            {
                pool.Asked = 0;
            }

            foreach (var run in _running)
            {
                run.Stage.Pool.Asked += run.Stage.Threads;
            }

            Run? first = null;
            var next = double.PositiveInfinity;
            foreach (var run in _running)
            {
                var end = _now + (run.Left / run.Stage.Pool.Pace);
                if (end < next)
                {
                    (first, next) = (run, end);
                }
            }

            if (_arrivals.TryPeek(out _, out var arrival) && arrival < next)
            {
                (first, next) = (null, arrival);
            }

            if (double.IsPositiveInfinity(next) || next > until)
            {
                return;
            }

            foreach (var run in _running)
            {
                run.Left -= (next - _now) * run.Stage.Pool.Pace;
            }

            _now = next;
            if (first is null)
            {
                Enter(0, _arrivals.Dequeue(), done);
            }
            else
            {
                _running.Remove(first);
                first.Stage.Busy--;
                first.Jobs.ForEach(job => Enter(Array.IndexOf(_stages, first.Stage) + 1, job, done));
                Begin(first.Stage, done);
            }
        }
    }

    private void Enter(int stage, Job job, Action<Job> done)
    {
        if (stage == _stages.Length)
        {
            done(job);
            return;
        }

        _stages[stage].Waiting.Enqueue(job);
        Begin(_stages[stage], done);
    }

    private void Begin(Stage stage, Action<Job> done)
    {
        while (stage.Busy < stage.Workers && stage.Waiting.Count > 0)
        {
            List<Job> jobs = [];
            while (jobs.Count < stage.MaxBatch && stage.Waiting.TryDequeue(out var job))
            {
                jobs.Add(job);
            }

            if (stage.Work(jobs) is > 0 and var work)
            {
                stage.Busy++;
                _running.Add(new Run(stage, jobs) { Left = work });
            }
            else
            {
                jobs.ForEach(job => Enter(Array.IndexOf(_stages, stage) + 1, job, done));
            }
        }
    }

    private sealed record Job(double ArrivedAt, FrameWork Work);

    /// <param name="Capacity">Processors, or devices.</param>
    private sealed record Pool(double Capacity)
    {
        public double Asked { get; set; }

        /// <summary>Of work that goes on in it, seconds a second.</summary>
        public double Pace => Asked <= Capacity ? 1 : Capacity / Asked;
    }

    /// <param name="Threads">Of the pool, that a run of it keeps busy.</param>
    /// <param name="Workers">Runs at a time.</param>
    private sealed record Stage(Pool Pool, double Threads, int Workers, int MaxBatch, Func<List<Job>, double> Work)
    {
        public Queue<Job> Waiting { get; } = [];

        public int Busy { get; set; }
    }

    private sealed class Run(Stage stage, List<Job> jobs)
    {
        public Stage Stage => stage;

        public List<Job> Jobs => jobs;

        public double Left { get; set; }
    }
}
