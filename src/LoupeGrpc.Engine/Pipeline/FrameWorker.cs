using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Does a step with one frame after the other.</summary>
internal sealed class FrameWorker : IStageWorker
{
    private readonly Stage _stage;
    private readonly IFrameStep _step;
    private readonly Action<FrameJob>? _next;
    private readonly CoreSeat _seat;
    private readonly Action _work;
    private FrameJob? _taken;

    /// <param name="next">Gets the frames that have no answer yet; null: the step answers all.</param>
    public FrameWorker(Stage stage, IFrameStep step, Action<FrameJob>? next)
    {
        (_stage, _step, _next) = (stage, step, next);
        _work = Pass;
        _seat = stage.CreateSeat(waiting =>
        {
            _taken = waiting[0];
            waiting.RemoveAt(0);
        });
    }

    // First what the step needs, then the frame: while the step waits, the frame is still where its caller and its deadline find it.
    public bool Work() => _step.Prepare() && _stage.Work(_seat, _work);

    public void Dispose() => (_step as IDisposable)?.Dispose();

    private void Pass()
    {
        var job = _taken!;
        _taken = null;
        long now = _stage.Clock.Now;
        job.Timings = job.Timings with { Queue = job.Timings.Queue + _stage.Clock.Between(job.QueuedAt, now) };
        var outcome = _stage.Begin(job, now) ?? Process(job);
        if (outcome is { } answer)
        {
            _stage.Exit.Leave(job, answer);
        }
        else
        {
            _next!(job);
        }
    }

    private AnalysisOutcome? Process(FrameJob job)
    {
        try
        {
            return _step.Process(job);
        }
        catch (Exception exception)
        {
            return _stage.Classifier.ClassifyOne(exception, _stage.Name);
        }
    }
}
