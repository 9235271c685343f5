using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Tiling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Who has a frame.</summary>
internal enum FrameState
{
    /// <summary>Nobody: it waits at the door or in a queue, and whoever takes it out of there has it.</summary>
    Waiting,

    /// <summary>A worker whose work is bounded.</summary>
    Working,

    /// <summary>A worker that reads the caller's bytes.</summary>
    Reading,

    /// <summary>A worker that runs the model with it, or is about to. A run may hang.</summary>
    Running,
}

/// <summary>One frame on its way. Its properties are one owner's at a time (<see cref="FrameState"/>); its state and its answer are shared with everybody.</summary>
/// <param name="bytes">What it is counted with at the door.</param>
/// <param name="dueAt"><see cref="TimeProvider.GetTimestamp"/> of its deadline; <see cref="long.MaxValue"/>: it has none.</param>
internal sealed class FrameJob(FrameExit exit, FrameInput input, AnalysisRequest request, FrameShape shape, long bytes, long receivedAt, long dueAt)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<AnalysisOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _atDoor;
    private FrameState _state;
    private FrameFailure? _withdrawn;
    private volatile StageQueue<FrameJob>? _queue;
    private volatile bool _isOverdue;
    private bool _hasLeft;

    public FrameInput Input => input;

    public AnalysisRequest Request => request;

    public FrameShape Shape => shape;

    public long Bytes => bytes;

    /// <summary><see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long ReceivedAt { get; } = receivedAt;

    public long DueAt => dueAt;

    /// <summary>Tells frames with the same deadline apart.</summary>
    public long DeadlineNumber { get; set; }

    /// <summary>When it was last put before a stage.</summary>
    public long QueuedAt { get; set; }

    public Task<AnalysisOutcome> Answer => _answer.Task;

    public bool IsAnswered => _answer.Task.IsCompleted;

    /// <summary>Its deadline has passed: it goes no further than it is.</summary>
    public bool IsOverdue => _isOverdue;

    public bool IsRunning
    {
        get
        {
            lock (_lock)
            {
                return _state == FrameState.Running;
            }
        }
    }

    /// <summary>Where it waits, or has waited last; null before the first stage.</summary>
    public StageQueue<FrameJob>? Queue => _queue;

    /// <summary>Its room in the pipeline.</summary>
    public RoomLease? Room { get; set; }

    /// <summary>Its hold on the session that it adapts; null outside such sessions.</summary>
    public AdaptationTurn? Turn { get; set; }

    /// <summary>Its hold on what its session has seen of its tiles; null outside sessions of which each frame shows some.</summary>
    public TileTurn? Rotation { get; set; }

    /// <summary>The model's input, from decoding until the encoder has read it; goes back to its pool then.</summary>
    public TensorBuffer? Pixels { get; set; }

    /// <summary>What the encoder made of it and where the rest is computed, from encoding on.</summary>
    public FrameBatch? Batch { get; set; }

    /// <summary>Of the frame in <see cref="Batch"/>.</summary>
    public int Row { get; set; }

    /// <summary>It shares a run with no other: asked for, or because one that it shared has failed.</summary>
    public bool RunsAlone { get; set; } = request.Deterministic;

    /// <summary>What the frame is a part of; null: it is whole.</summary>
    public TilePart? Part { get; init; }

    /// <summary>How the frame is to be looked at in tiles; null: it is not.</summary>
    public TilePlan? Plan { get; init; }

    /// <summary>Its pixels, from decoding on, and its soft map; null while <see cref="TileStep"/> has it.</summary>
    public TiledPicture? Tiled { get; set; }

    /// <summary>How it was looked at in tiles.</summary>
    public TileReport? Tiles { get; set; }

    /// <summary>What was measured so far; null: it is not asked for, or nothing was read yet.</summary>
    public FrameEvidence? Evidence { get; set; }

    /// <summary>What its file says of where it comes from; null: nothing, or nothing was read yet.</summary>
    public FrameProvenance? Provenance { get; set; }

    public byte[]? Sha256 { get; set; }

    /// <summary>What was digested so far; null: it is not asked for, or nothing was read yet.</summary>
    public FrameDigests? Digests { get; set; }

    /// <summary>Empty: it is not asked for, or nothing was read yet.</summary>
    public byte[] ColorLayout { get; set; } = [];

    /// <summary>As <see cref="FrameAnalysis.Picture"/>.</summary>
    public byte[] Picture { get; set; } = [];

    public List<ImageNote> Notes { get; } = [];

    /// <summary>What the model saw is not what was sent: whatever the score, the verdict is uncertain.</summary>
    public bool VerdictIsOpen { get; set; }

    /// <summary>What its score is made of: the classifier's, and of a picture in tiles what those of its tiles have in common.</summary>
    public double Logit { get; set; }

    /// <summary>What the model was trained to go on from, 0 to 1: σ of the classifier's logit, whatever the calibration.</summary>
    public float PseudoLabel { get; set; }

    public float Score { get; set; }

    public Verdict Verdict { get; set; }

    /// <summary>The policy asks for a mask.</summary>
    public bool NeedsMask { get; set; }

    /// <summary>The frame will change its session's parameters.</summary>
    public bool Adapts { get; set; }

    /// <summary>The base mask is computed too.</summary>
    public bool NeedsDualVerdict { get; set; }

    /// <summary>What was left out.</summary>
    public Economies Economies { get; private set; }

    public EncodedMask? BaseMask { get; set; }

    public float? MaskDisagreement { get; set; }

    /// <summary>The result, once there is nothing left to do but to adapt.</summary>
    public FrameAnalysis? Analysis { get; set; }

    public StageTimings Timings { get; set; }

    /// <summary>Whether something that is wanted is done; where the request says to leave it out, that is kept.</summary>
    public bool Affords(bool wanted, Economies economy)
    {
        if (wanted && request.Economies.HasFlag(economy))
        {
            Economies |= economy;
            return false;
        }

        return wanted;
    }

    /// <summary>Before it waits at the door.</summary>
    /// <param name="wait">Is canceled when the deadline passes meanwhile; null: afterwards.</param>
    public void WaitAtDoor(CancellationTokenSource? wait)
    {
        lock (_lock)
        {
            _atDoor = wait;
        }
    }

    /// <summary>Before it is put into a queue.</summary>
    public void WaitIn(StageQueue<FrameJob> queue)
    {
        lock (_lock)
        {
            _state = FrameState.Waiting;
        }

        _queue = queue;
    }

    /// <summary>After it was taken out of its queue, by who has it from now on.</summary>
    public void Begin(FrameState state)
    {
        lock (_lock)
        {
            _state = state;
        }
    }

    /// <summary>Before the caller's bytes are touched. False: the frame is answered, and the caller may have left with them.</summary>
    public bool TryBeginReading()
    {
        lock (_lock)
        {
            if (IsAnswered)
            {
                return false;
            }

            _state = FrameState.Reading;
            return true;
        }
    }

    /// <summary>The caller's bytes are not touched any more.</summary>
    public void EndReading()
    {
        lock (_lock)
        {
            _state = FrameState.Working;
            if (_withdrawn is { } failure)
            {
                Complete(failure);
            }
        }
    }

    /// <summary>Answers it with a failure at once, or, while its bytes are being read, when that is over. Whoever has it finds out in time.</summary>
    public void AnswerEarly(FrameFailure failure)
    {
        lock (_lock)
        {
            if (_state == FrameState.Reading)
            {
                _withdrawn ??= failure;
            }
            else
            {
                Complete(failure);
            }
        }
    }

    /// <summary>The caller wants it no longer.</summary>
    public void Cancel() => exit.Withdraw(this, FrameExit.Canceled);

    /// <summary>Its deadline has passed.</summary>
    public void Expire() => exit.Expire(this);

    /// <summary>Ends its wait at the door; elsewhere, whoever has it finds out in time.</summary>
    public void BecomeOverdue()
    {
        _isOverdue = true;
        lock (_lock)
        {
            _atDoor?.Cancel();
        }
    }

    /// <summary>True for the first caller, who ends what the frame holds of its session and the pipeline.</summary>
    public bool TryLeave() => !Interlocked.Exchange(ref _hasLeft, true);

    /// <summary>The first answer counts.</summary>
    /// <returns>Whether this is it.</returns>
    public bool Complete(AnalysisOutcome outcome) => _answer.TrySetResult(outcome);
}
