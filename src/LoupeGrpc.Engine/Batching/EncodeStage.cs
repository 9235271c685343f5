using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// Backbone and classifier over what waits, whichever sessions it comes from, and the gate behind them: most camera frames are authentic and need no mask.
/// </summary>
internal sealed class EncodeStage : IDisposable
{
    private const string Name = "encode";

    private readonly FrameQueue _queue = new();
    private readonly ModelRuns _runs;
    private readonly RunJudge _judge;
    private readonly FrameExit _exit;
    private readonly AnswerWriter _answers;
    private readonly StageClock _clock;
    private readonly Action<FrameBatch> _next;
    private readonly WorkerThreads _threads;

    /// <param name="next">Gets batches with frames for the segmentor. Never waits.</param>
    public EncodeStage(ModelRuns runs, RunJudge judge, FrameExit exit, AnswerWriter answers, StageClock clock, Action<FrameBatch> next)
    {
        _runs = runs;
        _judge = judge;
        _exit = exit;
        _answers = answers;
        _clock = clock;
        _next = next;
        _threads = new WorkerThreads(Name, Enumerable.Repeat(Work, runs.ConcurrentRuns));
    }

    public void Enqueue(FrameJob job)
    {
        job.QueuedAt = _clock.Now;
        _queue.Enqueue(job);
    }

    /// <summary>Ends the threads when no frame is left.</summary>
    public void Dispose()
    {
        _queue.Close();
        _threads.Join();
    }

    private void Work()
    {
        var run = new List<FrameJob>();
        var refused = new List<(FrameJob Job, AnalysisOutcome Outcome)>();
        while (_queue.WaitForFrame())
        {
            // First the room, then the frames: what comes while the device or the stages behind it are busy joins them.
            _runs.Slots.Reserve();
            run.Clear();
            refused.Clear();
            _queue.Take(_runs.EncodePlanner, _exit.Refuse, run, refused);
            foreach (var (job, outcome) in refused)
            {
                _exit.Leave(job, outcome);
            }

            if (run.Count == 0)
            {
                _runs.Slots.GiveUp();
            }
            else
            {
                Encode(run);
            }
        }
    }

    private void Encode(List<FrameJob> run)
    {
        int bucket = _runs.Sizes.BucketOf(run.Count);
        long start = _clock.Now;
        RunSlot? slot = null;
        try
        {
            slot = _runs.Slots.Open();
            if (slot.Rows < bucket)
            {
                // The largest batch was halved since the frames were taken.
                _runs.Slots.Return(slot);
                _queue.PutBack(run);
                return;
            }

            Run(slot, run, bucket);
        }
        catch (Exception exception)
        {
            if (slot is null)
            {
                _runs.Slots.GiveUp();
            }
            else
            {
                _runs.Slots.Return(slot);
            }

            if (_judge.Judge(exception, Name, bucket, run) is { } failure)
            {
                run.ForEach(job => _exit.Leave(job, failure));
            }
            else
            {
                _queue.PutBack(run);
            }

            return;
        }

        var elapsed = _clock.RecordRun(Stage.Encode, start, bucket, run.Count);
        _runs.EncodePlanner.Record(bucket, elapsed);
        _judge.Succeeded(Name);
        Pass(new FrameBatch(slot, bucket, run.Count, _runs.Slots), run, start, elapsed);
    }

    private static void Run(RunSlot slot, List<FrameJob> run, int bucket)
    {
        if (bucket == 1)
        {
            slot.Encode(run[0].Pixels!);
            return;
        }

        for (int row = 0; row < run.Count; row++)
        {
            slot.Load(row, run[row].Pixels!);
        }

        slot.Encode(bucket);
    }

    /// <summary>Answers the frames that are done and sends the others on.</summary>
    private void Pass(FrameBatch batch, List<FrameJob> run, long start, TimeSpan elapsed)
    {
        for (int row = 0; row < run.Count; row++)
        {
            var job = run[row];
            (job.Batch, job.Row) = (batch, row);
            _exit.ReturnPixels(job);
            job.Timings = job.Timings with { Queue = job.Timings.Queue + _clock.RecordBatchWait(job.QueuedAt, start), Encode = elapsed };
            _clock.Record(Stage.Encode, elapsed);
        }

        foreach (var job in run)
        {
            if (Decide(job) is { } outcome)
            {
                _exit.Leave(job, outcome);
            }
            else
            {
                batch.Waiting.Add(job);
            }
        }

        if (batch.Waiting.Count > 0)
        {
            batch.QueuedAt = _clock.Now;
            _next(batch);
        }
    }

    /// <inheritdoc cref="Gate"/>
    private AnalysisOutcome? Decide(FrameJob job)
    {
        try
        {
            return Gate(job);
        }
        catch (Exception exception)
        {
            return _judge.JudgeOne(exception, Name, job);
        }
    }

    /// <returns>The answer of a frame that needs nothing further.</returns>
    private AnalysisOutcome? Gate(FrameJob job)
    {
        float score = Scores.OfLogit(job.Batch!.Slot.ClsLogits.Values[job.Row]);
        if (!float.IsFinite(score))
        {
            return new FrameFailure(FailureKind.ModelFault, "The model answered a score that is not a number.");
        }

        job.Score = score;
        job.Verdict = job.Request.Thresholds.VerdictOf(score);
        job.NeedsMask = WantsMask(job);
        if (job.Request.Adaptation is { } session)
        {
            job.Adaptation = session.Report();
            job.Adapts = session.WantsStep(score);
            job.NeedsDualVerdict = job.NeedsMask && session.WantsDualVerdict();
        }

        if (job.NeedsMask || job.Adapts)
        {
            return null;
        }

        return _answers.WithoutMask(job);
    }

    private static bool WantsMask(FrameJob job) => job.Request.MaskPolicy switch
    {
        MaskPolicy.Always => true,
        MaskPolicy.WhenSuspected => job.Verdict != Verdict.Authentic,
        _ => false,
    };
}
