namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Does a step with one frame after the other.</summary>
internal sealed class FrameWorker : IStageWorker
{
    private readonly Stage _stage;
    private readonly IFrameStep _step;
    private readonly Action<FrameJob>? _next;
    private readonly Action<List<FrameJob>> _select;
    private FrameJob? _taken;

    /// <param name="step">Owned.</param>
    /// <param name="next">Gets the frames that have no answer yet; null: the step answers all.</param>
    public FrameWorker(Stage stage, IFrameStep step, Action<FrameJob>? next)
    {
        (_stage, _step, _next) = (stage, step, next);
        _select = waiting =>
        {
            _taken = waiting[0];
            waiting.RemoveAt(0);
        };
    }

    public bool TryTake() => _step.TryPrepare() && _stage.Queue.TryTake(_select);

    public void Work()
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

    public void Dispose() => (_step as IDisposable)?.Dispose();

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
