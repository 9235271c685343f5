using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Imaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// Admission, then decode, encode, segment, mask and, for sessions that adapt, adapt, each with its own workers. Frames inside are bounded by admission, those from
/// decoding on by the pixel buffers and run slots; every frame that enters is answered once and leaves once, whatever happens to it.
/// </summary>
internal sealed class FramePipeline : IAsyncDisposable
{
    private readonly ModelRuns _runs;
    private readonly EngineLimits _limits;
    private readonly TimeProvider _time;
    private readonly EngineHealth _health;
    private readonly AdmissionGate _gate;
    private readonly FrameExit _exit;
    private readonly RunJudge _judge;
    private readonly PipelineStage<FrameJob> _decode;
    private readonly EncodeStage _encode;
    private readonly PipelineStage<FrameBatch> _segment;
    private readonly PipelineStage<FrameJob> _mask;
    private readonly PipelineStage<FrameJob> _adapt;

    /// <param name="runs">The caller's to dispose, after this.</param>
    public FramePipeline(ModelRuns runs, EngineOptions options, ExecutionDescription execution, EngineMetrics metrics, ILogger logger, TimeProvider time)
    {
        _runs = runs;
        _limits = options.Limits;
        _time = time;
        _health = new EngineHealth(execution.Provider);
        _gate = new AdmissionGate(options.MaxFramesInPipeline, options.MaxBytesInPipeline, options.MaxFramesWaiting);
        _exit = new FrameExit(_gate, runs.Pixels, _health, time);
        _judge = new RunJudge(runs, _health, logger);

        var manifest = runs.Model.Manifest;
        int decoders = options.EffectiveDecodeWorkers;
        int frames = options.MaxFramesInPipeline;
        var clock = new StageClock(time, metrics);
        var answers = new AnswerWriter(execution, clock);
        _adapt = Start("adapt", runs.ConcurrentRuns, () => new AdaptStep(answers, clock, metrics), next: null);
        _mask = Start("mask", decoders, () => new MaskStep(manifest, answers, clock), job => Enqueue(_adapt, job));
        var segment = new SegmentStep(runs, _judge, _exit, clock, job => Enqueue(_mask, job));
        _segment = new PipelineStage<FrameBatch>("segment", frames, runs.ConcurrentRuns, () => new StageWorker<FrameBatch>(segment.Process));
        _encode = new EncodeStage(runs, _judge, _exit, answers, clock, _segment.Enqueue);
        _decode = Start("decode", decoders, () => new DecodeStep(manifest, runs.Pixels, clock), _encode.Enqueue);

        PipelineStage<FrameJob> Start(string name, int workers, Func<IFrameStep> createStep, Action<FrameJob>? next) => new(name, frames, workers, () =>
        {
            var step = createStep();
            return new StageWorker<FrameJob>(job => Run(name, step, job, next), step as IDisposable);
        });
    }

    /// <summary>Ends with the reason when what the engine runs on is lost.</summary>
    public Task<string> Lost => _health.Lost;

    public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        long receivedAt = request.ReceivedAt == 0 ? _time.GetTimestamp() : request.ReceivedAt;
        if (_health.Failure is { } failure)
        {
            return failure;
        }

        if (RequestRules.Check(request) is { } mistake)
        {
            return mistake;
        }

        if (FrameInspector.Inspect(input, _limits, out var shape) is { } refusal)
        {
            return refusal;
        }

        long bytes = FrameCost.Of(input, request, shape);
        if (request.Adaptation is { } session)
        {
            try
            {
                await session.EnterAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return GivenUp();
            }
        }

        if (await AdmitAsync(bytes, cancellationToken).ConfigureAwait(false) is { } closed)
        {
            request.Adaptation?.Leave();
            return closed;
        }

        var job = new FrameJob(input, request, shape, bytes, receivedAt);
        _decode.Enqueue(job);
        using (cancellationToken.UnsafeRegister(static state => ((FrameJob)state!).Cancel(), job))
        {
            return await job.Answer.ConfigureAwait(false);
        }
    }

    /// <summary>Ends runs in progress and answers everything inside with <see cref="FailureKind.Canceled"/>.</summary>
    public void Abort()
    {
        _health.Abort();
        _runs.Model.Terminate();
    }

    /// <summary>Refuses those who wait and come, answers those inside.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.CloseAsync().ConfigureAwait(false);

        // Every frame has left: the threads are idle.
        _decode.Dispose();
        _encode.Dispose();
        _segment.Dispose();
        _mask.Dispose();
        _adapt.Dispose();
    }

    private async ValueTask<FrameFailure?> AdmitAsync(long bytes, CancellationToken cancellationToken) =>
        await _gate.EnterAsync(bytes, cancellationToken).ConfigureAwait(false) switch
        {
            Admission.Full => new FrameFailure(FailureKind.Overloaded, "Too many frames wait for the engine: Loupe:Engine:MaxFramesWaiting."),
            Admission.Canceled => GivenUp(),
            Admission.Closed => _health.Failure ?? EngineHealth.Stopping,
            _ => null,
        };

    private void Run(string stage, IFrameStep step, FrameJob job, Action<FrameJob>? next)
    {
        AnalysisOutcome? outcome;
        try
        {
            job.Timings = job.Timings with { Queue = job.Timings.Queue + _time.GetElapsedTime(job.QueuedAt) };
            outcome = _exit.Refuse(job) ?? step.Process(job);
            _judge.Succeeded(stage);
            if (outcome is null && next is not null)
            {
                next(job);
                return;
            }
        }
        catch (Exception exception)
        {
            outcome = _judge.JudgeOne(exception, stage, job);
        }

        _exit.Leave(job, outcome ?? new FrameFailure(FailureKind.Internal, "The last stage left the frame without an answer."));
    }

    private void Enqueue(PipelineStage<FrameJob> stage, FrameJob job)
    {
        job.QueuedAt = _time.GetTimestamp();
        stage.Enqueue(job);
    }

    private static FrameFailure GivenUp() => new(FailureKind.Canceled, "The caller gave the frame up.");
}
