using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Imaging;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// One frame on its way. Owned by one stage at a time; only its answer and its cancellation are shared with the caller.
/// A caller that cancels is answered at once, unless its bytes are being read: then when that is over.
/// </summary>
internal sealed class FrameJob(FrameInput input, AnalysisRequest request, FrameShape shape, long admittedBytes, long receivedAt)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<AnalysisOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _readingInput;
    private bool _cancelRequested;

    public FrameInput Input => input;

    public AnalysisRequest Request => request;

    public FrameShape Shape => shape;

    /// <summary>What it was counted with at the gate.</summary>
    public long AdmittedBytes => admittedBytes;

    /// <summary><see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long ReceivedAt { get; } = receivedAt;

    /// <summary>When it was last put before a stage.</summary>
    public long QueuedAt { get; set; } = receivedAt;

    public Task<AnalysisOutcome> Answer => _answer.Task;

    public bool IsAnswered => _answer.Task.IsCompleted;

    /// <summary>The model's input, from decoding until the encoder has read it; goes back to its pool then.</summary>
    public TensorBuffer? Pixels { get; set; }

    /// <summary>What the encoder made of it and where the rest is computed, from encoding on.</summary>
    public FrameBatch? Batch { get; set; }

    /// <summary>Of the frame in <see cref="Batch"/>.</summary>
    public int Row { get; set; }

    /// <summary>It shares a run with no other: asked for, or because one that it shared has failed.</summary>
    public bool RunsAlone { get; set; } = request.Deterministic;

    public byte[]? Sha256 { get; set; }

    public List<ImageNote> Notes { get; } = [];

    public float Score { get; set; }

    public Verdict Verdict { get; set; }

    /// <summary>The policy asks for a mask.</summary>
    public bool NeedsMask { get; set; }

    /// <summary>The frame will change its session's parameters.</summary>
    public bool Adapts { get; set; }

    /// <summary>The base mask is computed too.</summary>
    public bool NeedsDualVerdict { get; set; }

    /// <summary>The state it is answered with.</summary>
    public AdaptationReport? Adaptation { get; set; }

    public EncodedMask? BaseMask { get; set; }

    public float? MaskDisagreement { get; set; }

    /// <summary>The answer as far as it is, for a frame that has still to adapt.</summary>
    public FrameAnalysis? Analysis { get; set; }

    public StageTimings Timings { get; set; } = new(default, default, default, default, default, default, default);

    /// <summary>Before the caller's bytes are touched. False: the caller has left with them.</summary>
    public bool BeginReadingInput()
    {
        lock (_lock)
        {
            _readingInput = !_cancelRequested;
            return _readingInput;
        }
    }

    /// <summary>The caller's bytes are not touched any more.</summary>
    public void EndReadingInput()
    {
        lock (_lock)
        {
            _readingInput = false;
            if (_cancelRequested)
            {
                AnswerCanceled();
            }
        }
    }

    public void Cancel()
    {
        lock (_lock)
        {
            _cancelRequested = true;
            if (!_readingInput)
            {
                AnswerCanceled();
            }
        }
    }

    /// <summary>The first answer counts.</summary>
    public void Complete(AnalysisOutcome outcome) => _answer.TrySetResult(outcome);

    private void AnswerCanceled() => Complete(new FrameFailure(FailureKind.Canceled, "The caller gave the frame up."));
}
