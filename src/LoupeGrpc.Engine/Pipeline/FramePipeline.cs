using System.Runtime.CompilerServices;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Scheduling;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// The way of a frame. <see cref="AnalyzeAsync"/> looks at it and lets it in at the door (<see cref="FrameDoor"/>); <see cref="Start"/> names the stages that it passes,
/// from top to bottom; by <see cref="FrameExit"/> it leaves, whatever happens to it. How many frames are inside is bounded by the <see cref="Room"/> at the door,
/// and from decoding on by the pixel buffers and the run slots, which stages take before they take a frame. Which stage computes, <see cref="ComputeThreads"/> decide.
/// </summary>
internal sealed class FramePipeline
{
    /// <summary>How long what still runs is waited for once the engine has ended: a run that was told to stop does so after its current operator.</summary>
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(1);

    /// <summary>One behind another that is on its way in.</summary>
    private const int UrgentPlaces = 2;

    /// <summary>On a single core the system divides it between a picture that takes long and what passes it.</summary>
    private const int LeastThreads = 2;

    private readonly ModelRuns _runs;
    private readonly EngineLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EngineHealth _health;
    private readonly FrameDeadlines _deadlines;
    private readonly FrameExit _exit;
    private readonly FrameDoor _door;
    private readonly TilePlanner _planner;
    private readonly IReadOnlyList<ComputeThreads> _threads;
    private readonly Stage _first;
    private readonly int _decoders;

    private FramePipeline(
        ModelRuns runs,
        EngineLimits limits,
        TimeProvider time,
        ILogger logger,
        EngineHealth health,
        Room room,
        FrameDeadlines deadlines,
        FrameExit exit,
        TilePlanner planner,
        int decoders,
        Stage first,
        IReadOnlyList<ComputeThreads> threads)
    {
        _runs = runs;
        _limits = limits;
        _time = time;
        _logger = logger;
        _health = health;
        Room = room;
        _deadlines = deadlines;
        _exit = exit;
        _door = new FrameDoor(room, exit, deadlines, health);
        _planner = planner;
        _decoders = decoders;
        _first = first;
        _threads = threads;
    }

    /// <summary>
    /// As many frames as keep every thread busy: one in the hands of each worker that decodes or makes masks, and for each run of either graph a full batch, with as much
    /// waiting before the first stage and before the encoder. More inside gain nothing, and wait where nobody can choose among them any more. Heavy ones leave a worker of each stage to the others.
    /// </summary>
    public FrameCapacity Capacity => new(
        Math.Min(Room.Limit.Frames, (3 * _decoders) + (3 * _runs.ConcurrentRuns * _runs.Sizes.Largest)), Math.Max(1, _decoders - 1), UrgentPlaces);

    /// <summary>What is inside, and who waits to get in.</summary>
    public Room Room { get; }

    /// <summary>Ends with the reason when what the engine runs on is lost.</summary>
    public Task<string> Lost => _health.Lost;

    /// <param name="runs">The caller's to dispose after <see cref="StopAsync"/>.</param>
    /// <param name="codecs">Of the decode workers.</param>
    /// <param name="shared">Of several engines, null: there is no other.</param>
    public static FramePipeline Start(
        ModelRuns runs, EngineOptions options, ExecutionDescription execution, PictureCodecs codecs, EngineMetrics metrics, Room? shared, ILogger logger, TimeProvider time)
    {
        var health = new EngineHealth(execution.Provider, logger);
        var clock = new StageClock(time, metrics);
        var answers = new AnswerWriter(execution, clock);
        var room = new Room(new RoomSize(options.MaxFramesInPipeline, options.MaxBytesInPipeline), shared, options.MaxFramesWaiting);
        var deadlines = new FrameDeadlines(time);
        var exit = new FrameExit(runs.Pixels, deadlines, health, answers, time);
        runs.WatchInside(() => exit.Inside);
        var classifier = new FailureClassifier(runs, health, logger);

        var manifest = runs.Model.Manifest;
        var provenance = new ProvenanceFacts(options.Provenance.ReadTrustList(), time);
        int decoders = options.EffectiveDecodeWorkers;
        int atATime = runs.ConcurrentRuns;
        int tilesAtATime = decoders + (2 * atATime * runs.Sizes.Largest);
        var compute = new ComputeThreads("compute", Math.Max(LeastThreads, Environment.ProcessorCount));
        List<ComputeThreads> threads = [compute];
        var stages = new List<Stage>();
        Stage decode = null!, encode = null!, segment = null!, mask = null!, adapt = null!;

        // Large pictures, where that is wanted, become many frames: each tile passes the stages from decoding to its mask, and the picture goes on to its own.
        var planner = new TilePlanner(manifest);
        var tileQueue = CreateStage(TileStep.Name, workers: 0, runsModel: false, static _ => throw new InvalidOperationException("The stage of tiles has no workers."));
        var tiles = new TileStep(manifest, planner, tilesAtATime, tileQueue, tile => decode.Send(tile), picture => mask.Send(picture), answers);

        // The caller's bytes become the model's input.
        decode = CreateStage("decode", decoders, runsModel: false, stage => new FrameWorker(
            stage, new DecodeStep(manifest, runs.Pixels, clock, new FrameDecoder(codecs.CreateCodec(), options.Imaging.Damaged), provenance, job => exit.Refuse(job, clock.Now)), frame => Enter(frame)));

        // In batches, features and the score; the gate behind it decides which frames need a mask, and answers the others.
        encode = CreateStage("encode", atATime, runsModel: true, stage => new EncodeWorker(
            stage, runs, new GateStep(ScoreScale.Of(manifest), answers), frames => segment.Send(frames)));

        // Of each batch, the mask's logits, with the parameters of the frame's session.
        segment = CreateStage("segment", atATime, runsModel: true, stage => new SegmentWorker(
            stage, runs, frame => mask.Send(frame)));

        // The mask at the picture's size, its parts and its encoding: the result, and the end of the way unless the session adapts.
        mask = CreateStage("mask", decoders, runsModel: false, stage => new FrameWorker(
            stage, new MaskStep(manifest, answers, clock), frame => adapt.Send(frame)));

        // What the frame teaches its session.
        adapt = CreateStage(AdaptStep.Name, atATime, runsModel: true, stage => new FrameWorker(
            stage, new AdaptStep(answers, classifier, clock, metrics), next: null));

        var pipeline = new FramePipeline(runs, options.Limits, time, logger, health, room, deadlines, exit, planner, decoders, decode, threads);
        health.OnEnd(pipeline.End);
        runs.Watchdog.Arm(reason => health.Lose(reason));
        runs.Pixels.Returned = decode.Look;
        runs.Slots.Returned = encode.Look;
        threads.ForEach(static group => group.Start());
        return pipeline;

        void Enter(FrameJob frame)
        {
            if (frame.Plan is null)
            {
                encode.Send(frame);
            }
            else
            {
                tiles.Begin(frame);
            }
        }

        // Runs on a device wait for it, and not for a core. So do runs of several frames: while one is on, those of the next gather.
        ComputeThreads ThreadsFor(string name, int workers, bool runsModel)
        {
            if (!runsModel || !(runs.Model.Target.IsDevice || runs.Sizes.Largest > 1))
            {
                return compute;
            }

            threads.Add(new ComputeThreads(name, workers));
            return threads[^1];
        }

        Stage CreateStage(string name, int workers, bool runsModel, Func<Stage, IStageWorker> createWorker)
        {
            var group = ThreadsFor(name, workers, runsModel);
            var stage = new Stage(name, stages.Count, options.MaxFramesInPipeline + tilesAtATime, runsModel, group, new StageContext(exit, classifier, clock));
            stages.Add(stage);
            for (int i = 0; i < workers; i++)
            {
                group.Add(stage, createWorker(stage));
            }

            return stage;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        long receivedAt = request.ReceivedAt == 0 ? _time.GetTimestamp() : request.ReceivedAt;
        FrameShape shape = default;
        if ((_health.Failure ?? RequestRules.Check(input, request) ?? FrameInspector.Inspect(input, _limits, out shape)) is { } refusal)
        {
            return refusal;
        }

        var plan = _planner.Plan(input, request, shape);
        var job = new FrameJob(
            _exit, input, request, shape, FrameCost.Of(input, request, shape, plan), receivedAt, FrameDeadlines.DueAt(_time, receivedAt, request.MaxAge))
        {
            Plan = plan,
        };
        if (await _door.EnterAsync(job, cancellationToken).ConfigureAwait(false) is { } turnedAway)
        {
            return turnedAway;
        }

        // For its turn among all sessions' frames, and for room.
        job.Timings = job.Timings with { Queue = _time.GetElapsedTime(receivedAt) };
        _first.Send(job);
        using (cancellationToken.UnsafeRegister(static state => ((FrameJob)state!).Cancel(), job))
        {
            return await job.Answer.ConfigureAwait(false);
        }
    }

    /// <summary>Ends runs in progress and answers everything inside with <see cref="FailureKind.Canceled"/>.</summary>
    public void Abort() => _health.Abort();

    /// <summary>Refuses those who wait and come, answers those inside, and ends the threads.</summary>
    /// <returns>False: a thread hangs in a run, and what runs use must stay.</returns>
    public async Task<bool> StopAsync()
    {
        await Room.Close().ConfigureAwait(false);
        foreach (var group in _threads)
        {
            group.Close();
        }

        _deadlines.Dispose();
        return await Task.Run(Join).ConfigureAwait(false);
    }

    /// <summary>The engine works no longer: nobody is let in, and those inside are answered without waiting for a run that may never end.</summary>
    private void End(FrameFailure failure)
    {
        _ = Room.Close();
        _runs.Model.Terminate();
        _exit.LeaveAll(failure);
    }

    /// <summary>Every frame has left: unless the engine has ended before, the threads are idle.</summary>
    private bool Join()
    {
        // By the system's clock, as threads are waited for.
        long start = TimeProvider.System.GetTimestamp();
        bool all = true;
        foreach (string stage in _threads.SelectMany(group => group.Join(Left)))
        {
            EngineLog.ThreadLeftBehind(_logger, stage);
            all = false;
        }

        return all;

        TimeSpan? Left()
        {
            var left = LastWait - TimeProvider.System.GetElapsedTime(start);
            return _health.Failure is null ? null : left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }
}
