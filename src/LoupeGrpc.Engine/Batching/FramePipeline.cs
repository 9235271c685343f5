using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Imaging;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// Admission, then decode, encode, segment, mask and, for sessions that adapt, adapt, each with its own workers. Frames inside are bounded by admission, those from
/// decoding on by the run slots; every frame that enters is answered once and leaves once, whatever happens to it.
/// </summary>
internal sealed class FramePipeline : IAsyncDisposable
{
    private readonly LoupeModel _model;
    private readonly EngineLimits _limits;
    private readonly TimeProvider _time;
    private readonly EngineMetrics _metrics;
    private readonly ILogger _logger;
    private readonly AdmissionGate _gate;
    private readonly RunSlotPool _slots;
    private readonly PipelineStage _decode;
    private readonly PipelineStage _encode;
    private readonly PipelineStage _segment;
    private readonly PipelineStage _mask;
    private readonly PipelineStage _adapt;
    private volatile bool _aborting;

    /// <param name="model">The caller's to dispose, after this.</param>
    public FramePipeline(
        LoupeModel model, EngineOptions options, ExecutionDescription execution, EngineMetrics metrics, ILogger logger, TimeProvider time)
    {
        _model = model;
        _limits = options.Limits;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _gate = new AdmissionGate(options.MaxFramesInPipeline, options.MaxBytesInPipeline, options.MaxFramesWaiting);

        int decoders = options.EffectiveDecodeWorkers;
        int runs = options.EffectiveConcurrentRuns;

        // Of each graph one frame runs and one is ready behind it; the rest are being filled or read.
        int slots = (4 * runs) + (2 * decoders);
        _slots = new RunSlotPool(model, slots);

        var clock = new StageClock(time, metrics);
        var answers = new AnswerWriter(execution, clock);
        _adapt = Start("adapt", slots, runs, () => new AdaptStep(answers, clock), next: null);
        _mask = Start("mask", slots, decoders, () => new MaskStep(model.Manifest, answers, clock), _adapt);
        _segment = Start("segment", slots, runs, () => new SegmentStep(model.BaseParameters, clock), _mask);
        _encode = Start("encode", slots, runs, () => new EncodeStep(answers, clock), _segment);
        _decode = Start("decode", options.MaxFramesInPipeline, decoders, () => new DecodeStep(model.Manifest, _slots, clock), _encode);
    }

    public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        long receivedAt = request.ReceivedAt == 0 ? _time.GetTimestamp() : request.ReceivedAt;
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
        _aborting = true;
        _model.Terminate();
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
        _slots.Dispose();
    }

    private async ValueTask<FrameFailure?> AdmitAsync(long bytes, CancellationToken cancellationToken) =>
        await _gate.EnterAsync(bytes, cancellationToken).ConfigureAwait(false) switch
        {
            Admission.Full => new FrameFailure(FailureKind.Overloaded, "Too many frames wait for the engine: Loupe:Engine:MaxFramesWaiting."),
            Admission.Canceled => GivenUp(),
            Admission.Closed => Stopping(),
            _ => null,
        };

    private PipelineStage Start(string name, int capacity, int workers, Func<IFrameStep> createStep, PipelineStage? next) =>
        new(name, capacity, Enumerable.Range(0, workers).Select(_ => createStep()), (step, job) => Run(name, step, job, next));

    private void Run(string stage, IFrameStep step, FrameJob job, PipelineStage? next)
    {
        AnalysisOutcome? outcome;
        try
        {
            job.Timings = job.Timings with { Queue = job.Timings.Queue + _time.GetElapsedTime(job.QueuedAt) };
            outcome = Refuse(job) ?? step.Process(job);
            if (outcome is null && next is not null)
            {
                job.QueuedAt = _time.GetTimestamp();
                next.Enqueue(job);
                return;
            }
        }
        catch (Exception) when (_aborting)
        {
            outcome = Stopping();
        }
        catch (OnnxRuntimeException exception)
        {
            EngineLog.RunFailed(_logger, stage, exception);
            outcome = new FrameFailure(FailureKind.ModelFault, "The model failed on this frame; the server's log has the reason.");
        }
        catch (Exception exception)
        {
            EngineLog.StageFailed(_logger, stage, exception);
            outcome = new FrameFailure(FailureKind.Internal, "The server failed on this frame; its log has the reason.");
        }

        Finish(job, outcome ?? new FrameFailure(FailureKind.Internal, "The last stage left the frame without an answer."));
    }

    /// <summary>Why a stage should not begin.</summary>
    private AnalysisOutcome? Refuse(FrameJob job)
    {
        if (_aborting)
        {
            return Stopping();
        }

        if (job.IsAnswered)
        {
            return job.Answer.Result;
        }

        if (job.Request.MaxAge is { } limit && _time.GetElapsedTime(job.ReceivedAt) is var age && age >= limit)
        {
            return new FrameFailure(
                FailureKind.Expired, $"The frame's deadline of {limit.TotalMilliseconds:0} ms passed: it is {age.TotalMilliseconds:0} ms old.");
        }

        return null;
    }

    private void Finish(FrameJob job, AnalysisOutcome outcome)
    {
        if (job.Slot is { } slot)
        {
            job.Slot = null;
            _slots.Return(slot);
        }

        // Before the answer, so that a caller who was answered finds the room that its frame took.
        _gate.Leave(job.AdmittedBytes);
        job.Request.Adaptation?.Leave();
        job.Complete(outcome);
    }

    private static FrameFailure GivenUp() => new(FailureKind.Canceled, "The caller gave the frame up.");

    private static FrameFailure Stopping() => new(FailureKind.Canceled, "The engine is stopping.");
}
