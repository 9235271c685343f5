using System.Diagnostics;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Receipts;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// Gives each frame of a session its one outcome, in the order of receipt, and each command its answer after the outcomes before it.
/// Unordered, outcomes leave as they come, answers to commands all the same after those before them. Thread-safe.
/// </summary>
/// <param name="maxUnordered">Unordered, frames that may wait behind one that has no outcome yet although theirs have left.</param>
/// <param name="opened">Settings of the first frame.</param>
/// <param name="receipts">Signs results as they leave; null: they have no receipts.</param>
/// <param name="temporal">Judges results over time, in the order of receipt; null: nobody does.</param>
internal sealed class OutcomeSequencer(
    bool unordered, SessionOutbox outbox, SessionMetrics metrics, int maxUnordered, AnalysisSettings opened, SessionReceipts? receipts = null,
    TemporalFilter? temporal = null)
{
    private readonly Lock _lock = new();
    private readonly Queue<SessionItem> _items = new();
    private readonly SessionTally _tally = new();
    private readonly List<SessionFrame> _left = [];
    private TaskCompletionSource? _decided;
    private TaskCompletionSource? _fewer;
    private ulong _nextSequence;
    private ulong _frameBytes;
    private int _undecided;
    private bool _closed;

    // What has left, or could: a prefix of the session.
    private ulong _framesReleased;
    private ulong _commandsReleased;
    private ulong _bytesReleased;
    private AnalysisSettings _settings = opened;

    /// <summary>The number that the next frame gets.</summary>
    public ulong NextSequence
    {
        get
        {
            lock (_lock)
            {
                return _nextSequence;
            }
        }
    }

    /// <summary>Waits until a frame may be taken in. Credits bound that in order; unordered, they come back while a frame before is not decided.</summary>
    /// <exception cref="OperationCanceledException"/>
    public async ValueTask WaitForPlaceAsync(CancellationToken cancellationToken)
    {
        while (unordered)
        {
            Task fewer;
            lock (_lock)
            {
                if (_items.Count < maxUnordered)
                {
                    return;
                }

                _fewer ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                fewer = _fewer.Task;
            }

            await fewer.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a frame in and numbers it.</summary>
    /// <returns>False where the session takes no frames any more: the caller decides the frame's outcome at once.</returns>
    public bool Add(SessionFrame frame)
    {
        lock (_lock)
        {
            frame.Sequence = _nextSequence++;
            frame.ReceivedBytes = frame.Input.Data.Length;
            _frameBytes += (ulong)frame.ReceivedBytes;
            _items.Enqueue(frame);
            _undecided++;
            return !_closed;
        }
    }

    /// <summary>Takes a command's answer in.</summary>
    /// <param name="settings">Of the frames behind it.</param>
    public void Add(CommandAnswer answer, AnalysisSettings settings)
    {
        lock (_lock)
        {
            outbox.Charge(answer);
            _items.Enqueue(new AnsweredCommand { Response = answer, Settings = settings });
            ReleaseDecided();
        }
    }

    /// <summary>Puts an event right before the outcome of a frame that is not decided yet.</summary>
    public void InsertBefore(SessionFrame frame, SessionNotice notice)
    {
        lock (_lock)
        {
            frame.Before = notice;
        }
    }

    /// <summary>Decides a frame. Its bytes are given back.</summary>
    /// <param name="checkpoint">Called when all that can leave has, before anything that waits for the frame goes on; null: nothing is.</param>
    /// <param name="events">What it did to the session; they follow it.</param>
    public void Decide(SessionFrame frame, FrameEnd end, Action<SessionProgress>? checkpoint, params IEnumerable<SessionNotice> events)
    {
        frame.ReleaseBytes();
        metrics.FrameDecided(end);
        FrameTraces.End(frame.Span, end);
        var response = new FrameAnswer(frame.FrameId, frame.Sequence, end);
        lock (_lock)
        {
            if (frame.Response is not null)
            {
                throw new UnreachableException($"Frame {frame.Sequence} has an outcome already.");
            }

            outbox.Charge(response);
            frame.Response = response;
            frame.Events = [.. events];
            if (unordered)
            {
                Send(frame);
                // It stays for the summary, which has the order of receipt.
                frame.Response = response with { End = end.WithoutMasks() };
                frame.Events = [];
            }

            ReleaseDecided();
            _undecided--;
            // Unordered, more has left than the frames before the first without an outcome.
            if (checkpoint is not null && (!unordered || _undecided == 0))
            {
                checkpoint(Progress());
            }

            SignalDecided();
        }
    }

    /// <summary>Whether a frame was left to the server that goes on with the session.</summary>
    public bool HasLeft
    {
        get
        {
            lock (_lock)
            {
                return _left.Count > 0;
            }
        }
    }

    /// <summary>
    /// Leaves a frame to the server that goes on with the session: here it has no outcome, so nothing behind it leaves, and its client sends all of that again.
    /// Its bytes are given back. Not where outcomes leave without an order.
    /// </summary>
    public void Leave(SessionFrame frame)
    {
        frame.ReleaseBytes();
        FrameTraces.End(frame.Span, null);
        lock (_lock)
        {
            _left.Add(frame);
            _undecided--;
            SignalDecided();
        }
    }

    /// <summary>The session goes on nowhere: what was left is to be decided here after all.</summary>
    public IReadOnlyList<SessionFrame> TakeBack()
    {
        lock (_lock)
        {
            SessionFrame[] frames = [.. _left];
            _left.Clear();
            _undecided += frames.Length;
            return frames;
        }
    }

    /// <summary>Tells the client something out of turn: behind what could leave by now.</summary>
    public void Notify(SessionNotice notice)
    {
        lock (_lock)
        {
            outbox.Append(notice);
        }
    }

    /// <summary>From now on frames are not taken. Says so to the client, out of turn.</summary>
    public void Close(SessionNotice notice)
    {
        lock (_lock)
        {
            _closed = true;
            outbox.Append(notice with { Sequence = _nextSequence });
        }
    }

    /// <summary>Done when every frame taken in has its outcome, or is left to another server.</summary>
    public Task WhenDecided()
    {
        lock (_lock)
        {
            _decided ??= _undecided == 0 ? null : new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _decided?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>The session so far: frames whose outcome has left, or could.</summary>
    public SessionSummary Summarize(TimeSpan duration)
    {
        lock (_lock)
        {
            return SummarizeNow(duration);
        }
    }

    /// <summary>The session as it ended: the same, with the receipt of its end.</summary>
    public SessionSummary Conclude(TimeSpan duration)
    {
        lock (_lock)
        {
            var summary = SummarizeNow(duration);
            return summary with { Receipt = receipts?.End(summary.Frames, summary.Results) ?? default };
        }
    }

    /// <summary>Does something while no frame is without an outcome and none can come. Otherwise nothing.</summary>
    public void WhileQuiet(Action<SessionProgress> act)
    {
        lock (_lock)
        {
            if (_undecided == 0)
            {
                act(Progress());
            }
        }
    }

    /// <summary>Goes on where another server's ended. Once, before the first frame.</summary>
    public void Restore(StoredSession stored)
    {
        var facts = stored.Record.Facts;
        (_nextSequence, _framesReleased, _commandsReleased) = (stored.Frames, stored.Frames, stored.Commands);
        _frameBytes = _bytesReleased = facts.FrameBytes;
        _tally.Restore(facts.Tally);
    }

    /// <summary>Which way the frames went so far.</summary>
    public FrameCounts Count()
    {
        lock (_lock)
        {
            return new FrameCounts(_nextSequence, _undecided, _tally.Manipulated, _tally.Results, _tally.Dropped, _tally.Expired, _tally.Failed);
        }
    }

    /// <summary>Within the lock.</summary>
    private SessionSummary SummarizeNow(TimeSpan duration)
    {
        var summary = _tally.ToSummary(duration, _frameBytes);
        if (temporal is null)
        {
            return summary;
        }

        var (segments, truncated) = temporal.Segments();
        return summary with { Segments = segments, SegmentsTruncated = truncated, Scenes = temporal.Scenes };
    }

    /// <summary>Within the lock.</summary>
    private void SignalDecided()
    {
        if (_undecided == 0)
        {
            _decided?.SetResult();
            _decided = null;
        }
    }

    private void ReleaseDecided()
    {
        while (_items.TryPeek(out var item) && item.Response is { } response)
        {
            _items.Dequeue();
            if (item is SessionFrame frame)
            {
                frame.Response = Judge((FrameAnswer)response, frame.CaptureTime);
                _tally.Add((FrameAnswer)response, frame.CaptureTime);
                _framesReleased++;
                _bytesReleased += (ulong)frame.ReceivedBytes;
            }
            else if (item is AnsweredCommand command)
            {
                _commandsReleased++;
                _settings = command.Settings;
            }

            if (item is not SessionFrame || !unordered)
            {
                Send(item);
            }
        }

        if (_fewer is not null && _items.Count < maxUnordered)
        {
            _fewer.SetResult();
            _fewer = null;
        }
    }

    /// <summary>The same answer, with what the frames up to it say together.</summary>
    private FrameAnswer Judge(FrameAnswer answer, CaptureTime? time)
    {
        if (temporal is null || answer.End is not FrameEnd.Analysed { Analysis: var analysis } end)
        {
            return answer;
        }

        // What was guessed says nothing.
        var verdict = analysis.VerdictIsOpen
            ? temporal.Hold()
            : temporal.Add(new JudgedFrame(answer.Sequence, time, analysis.Score, end.Settings.Thresholds, analysis.ColorLayout));
        return answer with { End = end with { Temporal = verdict } };
    }

    private SessionProgress Progress()
    {
        var (first, responses) = outbox.Save();
        return new SessionProgress(_framesReleased, _commandsReleased, _bytesReleased, _settings, _tally.Save(), temporal?.Save(), receipts?.Place, first, responses);
    }

    private void Send(SessionItem item)
    {
        if (item.Before is { } before)
        {
            outbox.Append(before);
        }

        outbox.Append(receipts is null ? item.Response! : receipts.Sign(item.Response!), isCharged: true);
        foreach (var notice in item.Events)
        {
            outbox.Append(notice);
        }
    }
}

/// <summary>Which way the frames of a session went.</summary>
/// <param name="Frames">Taken in.</param>
/// <param name="InFlight">Without an outcome.</param>
/// <param name="Manipulated">Of the results.</param>
/// <param name="Results">Analysed.</param>
internal readonly record struct FrameCounts(ulong Frames, int InFlight, ulong Manipulated, ulong Results, ulong Dropped, ulong Expired, ulong Failed);
