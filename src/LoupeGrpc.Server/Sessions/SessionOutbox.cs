using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// The responses of a session behind its grant, numbered in the order in which they leave it, and those written that may have to be sent again. One
/// call at a time takes from it. It also counts credits: how many frames and controls are without a written answer. Thread-safe.
/// </summary>
/// <param name="credits">Frames and controls that may be without a written answer.</param>
/// <param name="keeps">Whether written responses are kept.</param>
/// <param name="maxKeptBytes">Of written responses. Those not yet written are bounded by the credits.</param>
/// <param name="memory">What responses are charged to from <see cref="Charge"/> or <see cref="Append"/> until they are forgotten.</param>
internal sealed class SessionOutbox(int credits, bool keeps, long maxKeptBytes, ResponseMemory memory, TimeProvider time)
{
    /// <summary>Beside its outcome a frame may bring an event; the rest is room for the replies to controls.</summary>
    private const int KeptPerCredit = 4;

    private readonly Lock _lock = new();

    /// <summary>Oldest first: those written, then those to write.</summary>
    private readonly LinkedList<Entry> _entries = [];
    private LinkedListNode<Entry>? _next;
    private TaskCompletionSource _changed = NewSignal();
    private object? _call;
    private bool _finished;
    private bool _dropped;

    // Numbers of the first entry, of the next to write, and the number of responses that any call began to write.
    private ulong _first;
    private ulong _position;
    private ulong _sent;

    // Of the entries before the next to write.
    private int _writtenOutcomes;
    private long _writtenBytes;

    // Of all that is charged.
    private long _chargedBytes;

    // Timestamp of the last sign of reading while there was something to write; 0: there was nothing.
    private long _unreadSince;

    private ulong _taken;
    private ulong _answersForgotten;
    private ulong _answersWritten;

    /// <summary>Bytes of responses that were written and are kept.</summary>
    public long WrittenBytes
    {
        get
        {
            lock (_lock)
            {
                return _writtenBytes;
            }
        }
    }

    /// <summary>Timestamp since which there is something to write and nothing was; null where there is nothing to write, or no call to write it.</summary>
    public long? UnreadSince
    {
        get
        {
            lock (_lock)
            {
                return _next is null || _call is null ? null : _unreadSince;
            }
        }
    }

    /// <summary>
    /// Whether the session is to write first, before more of it is analysed: it has something to write, and that, or what all sessions have, is too much.
    /// <see cref="ResponseMemory.Signal"/> tells when that ends.
    /// </summary>
    public bool IsHeld => Volatile.Read(ref _next) is not null && (memory.IsOver || Volatile.Read(ref _chargedBytes) - Volatile.Read(ref _writtenBytes) > memory.SessionLimit);

    /// <summary>Waits until a frame or control may be taken in.</summary>
    /// <exception cref="OperationCanceledException"/>
    public async ValueTask WaitForCreditAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_taken - _answersForgotten - _answersWritten < (ulong)credits && !IsHeld)
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A frame or control was taken in; one response will answer it.</summary>
    public void TakeCredit()
    {
        lock (_lock)
        {
            _taken++;
        }
    }

    /// <summary>Charges a response that cannot be appended yet.</summary>
    public void Charge(SessionResponse response)
    {
        lock (_lock)
        {
            ChargeBytes(response.Bytes);
        }
    }

    /// <param name="isCharged">By <see cref="Charge"/>.</param>
    public void Append(SessionResponse response, bool isCharged = false)
    {
        var entry = new Entry(response, response.Bytes);
        lock (_lock)
        {
            if (_dropped)
            {
                if (isCharged)
                {
                    ChargeBytes(-entry.Bytes);
                }

                return;
            }

            if (!isCharged)
            {
                ChargeBytes(entry.Bytes);
            }

            var node = _entries.AddLast(entry);
            if (_next is null)
            {
                _next = node;
                _unreadSince = time.GetTimestamp();
            }

            Signal();
        }
    }

    /// <summary>What is kept and what is to write, and how many went before it.</summary>
    public (ulong First, IReadOnlyList<SessionResponse> Responses) Save()
    {
        lock (_lock)
        {
            return (_first, [.. _entries.Select(static entry => entry.Response)]);
        }
    }

    /// <summary>Goes on where another server's ended. Once, before the first call.</summary>
    /// <param name="first">Responses that went before <paramref name="responses"/>.</param>
    public void Restore(ulong first, IReadOnlyList<SessionResponse> responses)
    {
        foreach (var response in responses)
        {
            _taken += response.IsAnswer ? 1u : 0;
            Append(response);
        }

        lock (_lock)
        {
            // Any of them may have been written there.
            (_first, _position, _sent) = (first, first, first + (ulong)responses.Count);
        }
    }

    /// <summary>Forgets what is kept of written responses: who lacks them cannot resume.</summary>
    public void ForgetWritten()
    {
        lock (_lock)
        {
            while (_position > _first)
            {
                ForgetFirst();
            }
        }
    }

    /// <summary>Nobody gets anything any more: everything is forgotten, and what comes is.</summary>
    public void ForgetAll()
    {
        lock (_lock)
        {
            _dropped = true;
            _entries.Clear();
            _next = null;
            (_first, _writtenOutcomes, _writtenBytes) = (_position, 0, 0);
            ChargeBytes(-_chargedBytes);
            Signal();
        }
    }

    /// <summary>From now on this call takes the responses, and nobody else. Null, or why the claim cannot be met; then nothing changes.</summary>
    /// <param name="received">Responses that its client has.</param>
    public CallFailure? Attach(object call, ulong received)
    {
        lock (_lock)
        {
            if (received > _sent)
            {
                return ClaimTooHigh(received, _sent);
            }

            if (received < _first)
            {
                return ClaimTooLow(received, _first);
            }

            _call = call;
            _finished = false;
            Rewind(received);
            _unreadSince = time.GetTimestamp();
            Signal();
            return null;
        }
    }

    /// <summary>The next response to write; call <see cref="Written"/> when it is. Null when there is none for this call any more.</summary>
    public async ValueTask<SessionResponse?> NextAsync(object call)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_call != call)
                {
                    return null;
                }

                if (_next is not null)
                {
                    _sent = Math.Max(_sent, _position + 1);
                    return _next.Value.Response;
                }

                if (_finished)
                {
                    return null;
                }

                changed = _changed.Task;
            }

            await changed.ConfigureAwait(false);
        }
    }

    public void Written(object call)
    {
        lock (_lock)
        {
            // What is written may have been forgotten meanwhile.
            if (_call != call || _next is null)
            {
                return;
            }

            var wasHeld = IsHeld;
            Advance();
            Forget();
            _unreadSince = time.GetTimestamp();
            Signal();
            if (wasHeld && !IsHeld)
            {
                memory.Signal();
            }
        }
    }

    /// <summary>Whether the responses are this call's.</summary>
    public bool Serves(object call)
    {
        lock (_lock)
        {
            return _call == call;
        }
    }

    /// <summary>What is there is all that the call gets.</summary>
    public void Finish(object call)
    {
        lock (_lock)
        {
            _finished |= _call == call;
            Signal();
        }
    }

    /// <summary>The call gets nothing any more.</summary>
    public void Release(object call)
    {
        lock (_lock)
        {
            _call = _call == call ? null : _call;
            Signal();
        }
    }

    /// <summary>A claim by who says to have received more than was sent.</summary>
    private static CallFailure ClaimTooHigh(ulong received, ulong sent) =>
        CallFailure.Invalid($"responses_received is {received}, but the session has sent {sent}");

    /// <summary>A claim by who lacks what is not kept any more.</summary>
    /// <param name="least">The least number that can be claimed.</param>
    private static CallFailure ClaimTooLow(ulong received, ulong least) => new(
        new FrameFailure(
            FailureKind.Invalid,
            $"responses_received is {received}, but the session keeps only what follows {least}: more responses were sent ahead than Loupe:Limits:Credits "
                + "or Loupe:Sessions:MaxKeptBytes cover"),
        CallStatus.OutOfRange);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Rewind(ulong position)
    {
        _next = _entries.First;
        _position = _first;
        _writtenOutcomes = 0;
        _writtenBytes = 0;
        _answersWritten = 0;
        while (_position < position)
        {
            Advance();
        }
    }

    private void Advance()
    {
        var entry = _next!.Value;
        _next = _next.Next;
        _position++;
        _writtenBytes += entry.Bytes;
        _writtenOutcomes += entry.IsOutcome ? 1 : 0;
        _answersWritten += entry.Response.IsAnswer ? 1u : 0;
    }

    /// <summary>
    /// Who respects the credits has read the outcome of all but the last <c>credits</c> frames that were taken in, so no outcome before the last
    /// <c>credits</c> written ones can be missing.
    /// </summary>
    private void Forget()
    {
        while (_position > _first
            && (!keeps || _writtenOutcomes > credits || _position - _first > (ulong)credits * KeptPerCredit || _writtenBytes > maxKeptBytes))
        {
            ForgetFirst();
        }
    }

    private void ForgetFirst()
    {
        var entry = _entries.First!.Value;
        _entries.RemoveFirst();
        _first++;
        _writtenBytes -= entry.Bytes;
        _writtenOutcomes -= entry.IsOutcome ? 1 : 0;
        if (entry.Response.IsAnswer)
        {
            _answersWritten--;
            _answersForgotten++;
        }

        ChargeBytes(-entry.Bytes);
    }

    private void ChargeBytes(long bytes)
    {
        _chargedBytes += bytes;
        if (bytes >= 0)
        {
            memory.Add(bytes);
        }
        else
        {
            memory.Return(-bytes);
        }
    }

    private void Signal()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }

    private sealed record Entry(SessionResponse Response, long Bytes)
    {
        public bool IsOutcome => Response.IsOutcome;
    }
}
