namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// One call that serves a session: a reader and a writer, side by side. The reader waits for credits, never for the writer itself. A session that is
/// resumed has several of them, one behind the other.
/// <para>The order of its end, which holds for every way to it:</para>
/// <list type="number">
/// <item>The reader stops: the client half-closed, broke the protocol, vanished, or the session was told to end and every frame has its outcome.</item>
/// <item>Unless it vanished: every frame taken in gets its outcome; only then is the summary made, and the outbox told that nothing more comes.</item>
/// <item>The writer writes what is there, then the summary, and stops. Where the client vanished it stops at once, and what was not written stays.</item>
/// <item>The call is stopped: a call that takes the session over begins now, and not before.</item>
/// <item>The session is detached: parked, or at its end.</item>
/// <item>The endpoint gives the call its status.</item>
/// </list>
/// </summary>
internal sealed class SessionCall : IAsyncDisposable
{
    /// <summary>How long a write under way may hold up who takes the session over. A client that reads nothing is cut off then.</summary>
    private static readonly TimeSpan TakeoverPatience = TimeSpan.FromSeconds(1);

    private readonly ISessionTransport _transport;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenSource _cutOff;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _earlier = Task.CompletedTask;
    private Task _leaving = Task.CompletedTask;
    private Task _ending = Task.CompletedTask;
    private SessionSummary? _summary;

    /// <param name="transport">When it runs, behind the message that opened the session.</param>
    public SessionCall(ISessionTransport transport, TimeProvider time)
    {
        _transport = transport;
        _time = time;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(transport.Gone);
        _cutOff = CancellationTokenSource.CreateLinkedTokenSource(transport.Gone);
    }

    public string Peer => _transport.Peer;

    /// <summary>Whether it is not the first of the session.</summary>
    public bool Resumes { get; set; }

    /// <summary>Runs only when the call that served the session before has stopped.</summary>
    public void Follow(SessionCall earlier) => _earlier = earlier._stopped.Task;

    /// <summary>Another call has the session now: this one stops reading and writing.</summary>
    public void BeginLeave() => _leaving = LeaveAsync();

    /// <summary>
    /// Serves the session. When the task ends, nothing is read and nothing of the session is written any more.
    /// </summary>
    /// <returns>How it ended; <see cref="SessionEnd.Vanished"/> also where another call took over.</returns>
    public async Task<SessionEnd> RunAsync(AnalyzeSession session)
    {
        try
        {
            await _earlier.ConfigureAwait(false);
            using var watch = session.Resumable
                ? default
                : _transport.Gone.UnsafeRegister(static work => ((SessionWork)work!).Abandon(), session.Work);
            if (session.Work.PaidAhead is { } paid)
            {
                _transport.SlowBy(paid);
            }

            var writing = WriteAsync(session);
            var end = SessionEnd.Vanished;
            try
            {
                end = await ReadAsync(session).ConfigureAwait(false);
                if (end != SessionEnd.Vanished)
                {
                    await session.Work.WhenDecided().WaitAsync(_stop.Token).ConfigureAwait(false);
                    if (end == SessionEnd.HandedOver && !await session.KeepAsync().WaitAsync(_stop.Token).ConfigureAwait(false))
                    {
                        // It goes on nowhere: then its client has the end of it.
                        end = SessionEnd.Drained();
                        session.Work.Close(SessionNotice.Draining);
                    }

                    _summary = end.Summarized ? session.Work.Conclude() : null;
                    session.Work.Outbox.Finish(this);
                    if (end.WritePatience is { } patience)
                    {
                        _ending = CutOffUnlessWrittenAsync(patience);
                    }
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                end = SessionEnd.Vanished;
            }
            finally
            {
                if (end == SessionEnd.Vanished)
                {
                    session.Work.Outbox.Release(this);
                }

                end = await writing.ConfigureAwait(false) ? end : session.End ?? SessionEnd.Vanished;
            }

            return end;
        }
        finally
        {
            _stopped.SetResult();
        }
    }

    /// <summary>Tells the client that another call has the session, if it still listens.</summary>
    public Task NotifyTakenOverAsync() =>
        _transport.TryWriteAsync(new SessionNotice(NoticeKind.TakenOver, SessionEnd.TakenOver.Name), _transport.Gone);

    public async ValueTask DisposeAsync()
    {
        await _leaving.ConfigureAwait(false);
        await _ending.ConfigureAwait(false);
        _stop.Dispose();
        _cutOff.Dispose();
    }

    private async Task LeaveAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await CutOffUnlessWrittenAsync(TakeoverPatience).ConfigureAwait(false);
    }

    private async Task CutOffUnlessWrittenAsync(TimeSpan patience)
    {
        try
        {
            await _written.Task.WaitAsync(patience, _time, _transport.Gone).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            await _cutOff.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task<SessionEnd> ReadAsync(AnalyzeSession session)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, session.StopReading);
        try
        {
            while (true)
            {
                await session.Work.WaitForCreditAsync(reading.Token).ConfigureAwait(false);
                var input = await _transport.ReadAsync(session.Opening, reading.Token).ConfigureAwait(false);

                // What was read is taken in, whatever becomes of the call meanwhile.
                var receivedAt = _time.GetTimestamp();
                switch (input)
                {
                    case IncomingFrame frame:
                        await session.Work.TakeAsync(frame, receivedAt).ConfigureAwait(false);
                        break;
                    case SessionCommand command:
                        await session.Work.ApplyAsync(command, receivedAt).ConfigureAwait(false);
                        break;
                    case SessionInput.HalfClosed:
                        return session.End ?? SessionEnd.HalfClosed;
                    case SessionInput.Violation violation:
                        return SessionEnd.Refused(violation.Failure);
                    default:
                        return SessionEnd.Vanished;
                }

                _transport.Release();
            }
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            return _stop.IsCancellationRequested ? SessionEnd.Vanished : session.End ?? SessionEnd.Vanished;
        }
    }

    /// <summary>The one writer.</summary>
    /// <returns>Whether everything was written that the call was to write.</returns>
    private async Task<bool> WriteAsync(AnalyzeSession session)
    {
        var complete = false;
        try
        {
            complete = await TryWriteAllAsync(session).ConfigureAwait(false);
            return complete;
        }
        finally
        {
            if (!complete)
            {
                await _stop.CancelAsync().ConfigureAwait(false);
                if (!session.Resumable)
                {
                    session.Work.Abandon();
                }
            }

            _written.SetResult();
        }
    }

    private async Task<bool> TryWriteAllAsync(AnalyzeSession session)
    {
        var outbox = session.Work.Outbox;
        if (!await _transport.TryWriteAsync(session.Grant(this), _cutOff.Token).ConfigureAwait(false))
        {
            return false;
        }

        while (await outbox.NextAsync(this).ConfigureAwait(false) is { } response)
        {
            if (!await _transport.TryWriteAsync(response, _cutOff.Token).ConfigureAwait(false))
            {
                return false;
            }

            outbox.Written(this);
        }

        return outbox.Serves(this)
            && (_summary is null || await _transport.TryWriteAsync(_summary, _cutOff.Token).ConfigureAwait(false));
    }
}
