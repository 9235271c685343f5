namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Does a step with one frame after the other.</summary>
/// <param name="step">Owned.</param>
/// <param name="next">Gets the frames that have no answer yet; null: the step answers all.</param>
internal sealed class FrameWorker(Stage stage, IFrameStep step, Action<FrameJob>? next) : IStageWorker
{
    private FrameJob? _taken;

    public bool TryTake() => step.TryPrepare() && (_taken = stage.Queue.TryTake()) is not null;

    public void Work()
    {
        var job = _taken!;
        _taken = null;
        long now = stage.Clock.Now;
        job.Timings = job.Timings with { Queue = job.Timings.Queue + stage.Clock.Between(job.QueuedAt, now) };
        var outcome = stage.Begin(job, now) ?? Process(job);
        if (outcome is { } answer)
        {
            stage.Exit.Leave(job, answer);
        }
        else
        {
            next!(job);
        }
    }

    public void Dispose() => (step as IDisposable)?.Dispose();

    private AnalysisOutcome? Process(FrameJob job)
    {
        try
        {
            return step.Process(job);
        }
        catch (Exception exception)
        {
            return stage.Classifier.ClassifyOne(exception, stage.Name);
        }
    }
}
