using Grpc.Core;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>
/// One <c>Analyze</c> call that serves a session: a reader and a writer, side by side. The reader waits for credits, never for the writer itself.
/// A session that is resumed has several of them, one behind the other.
/// </summary>
/// <param name="requests">Behind the message that opened the session.</param>
/// <param name="peer">The client's address.</param>
/// <param name="gone">The client is not there any more.</param>
internal sealed class SessionCall(
    IAsyncStreamReader<AnalyzeRequest> requests, IAsyncStreamWriter<AnalyzeResponse> responses, string peer, TimeProvider time, CancellationToken gone)
    : IAsyncDisposable
{
    /// <summary>How long a write under way may hold up who takes the session over. A client that reads nothing is cut off then.</summary>
    private static readonly TimeSpan TakeoverPatience = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
    private readonly CancellationTokenSource _cutOff = CancellationTokenSource.CreateLinkedTokenSource(gone);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _earlier = Task.CompletedTask;
    private Task _leaving = Task.CompletedTask;
    private SessionSummary? _summary;

    public string Peer => peer;

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
            using var watch = session.Resumable ? default : gone.UnsafeRegister(static session => ((AnalyzeSession)session!).Abandon(), session);
            var writing = WriteAsync(session);
            var end = SessionEnd.Vanished;
            try
            {
                end = await ReadAsync(session).ConfigureAwait(false);
                if (end != SessionEnd.Vanished)
                {
                    await session.WhenDecided().WaitAsync(_stop.Token).ConfigureAwait(false);
                    _summary = end.Summarized ? session.Summarize() : null;
                    session.Outbox.Finish(this);
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
                    session.Outbox.Release(this);
                }

                end = await writing.ConfigureAwait(false) ? end : SessionEnd.Vanished;
            }

            return end;
        }
        finally
        {
            _stopped.SetResult();
        }
    }

    /// <summary>Tells the client that another call has the session, if it still listens.</summary>
    public async Task SayTakenOverAsync()
    {
        var notice = new SessionEvent { Kind = SessionEventKind.TakenOver, Message = SessionEnd.TakenOver.Name };
        try
        {
            await responses.WriteAsync(new AnalyzeResponse { Event = notice }, gone).ConfigureAwait(false);
        }
        catch (Exception exception) when (RequestFaults.IsBrokenTransport(exception))
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _leaving.ConfigureAwait(false);
        _stop.Dispose();
        _cutOff.Dispose();
    }

    private async Task LeaveAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _written.Task.WaitAsync(TakeoverPatience, time, gone).ConfigureAwait(false);
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
                // A credit comes back with each answer written: a client that sends without reading is slowed down by flow control.
                await session.Outbox.WaitForCreditAsync(reading.Token).ConfigureAwait(false);
                if (!await requests.MoveNext(reading.Token).ConfigureAwait(false))
                {
                    return gone.IsCancellationRequested ? SessionEnd.Vanished : session.End ?? SessionEnd.HalfClosed;
                }

                // What was read is taken in, whatever becomes of the call meanwhile.
                var receivedAt = time.GetTimestamp();
                switch (requests.Current.PayloadCase)
                {
                    case AnalyzeRequest.PayloadOneofCase.Frame:
                        await session.TakeAsync(requests.Current.Frame, receivedAt).ConfigureAwait(false);
                        break;
                    case AnalyzeRequest.PayloadOneofCase.Control:
                        await session.ObeyAsync(requests.Current.Control).ConfigureAwait(false);
                        break;
                    case AnalyzeRequest.PayloadOneofCase.Open:
                        return SessionEnd.Refused(RequestFaults.SecondOpen);
                    default:
                        return SessionEnd.Refused(RequestFaults.EmptyMessage);
                }
            }
        }
        catch (OperationCanceledException) when (session.End is not null && !_stop.IsCancellationRequested)
        {
            return session.End;
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested && RequestFaults.Find(exception, session.Limits) is { } status)
        {
            return SessionEnd.Refused(status);
        }
        catch (Exception exception) when (RequestFaults.IsBrokenTransport(exception))
        {
            // The reader may notice before the call's token does.
            return SessionEnd.Vanished;
        }
    }

    /// <summary>The one writer.</summary>
    /// <returns>Whether everything was written that the call was to write.</returns>
    private async Task<bool> WriteAsync(AnalyzeSession session)
    {
        try
        {
            await responses.WriteAsync(new AnalyzeResponse { Granted = session.Grant(this) }, _cutOff.Token).ConfigureAwait(false);
            while (await session.Outbox.NextAsync(this).ConfigureAwait(false) is { } response)
            {
                await responses.WriteAsync(response, _cutOff.Token).ConfigureAwait(false);
                session.Outbox.Written(this);
            }

            if (!session.Outbox.Serves(this))
            {
                return false;
            }

            if (_summary is not null)
            {
                await responses.WriteAsync(new AnalyzeResponse { Summary = _summary }, _cutOff.Token).ConfigureAwait(false);
            }

            return true;
        }
        catch (Exception exception)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            if (!session.Resumable)
            {
                session.Abandon();
            }

            if (!RequestFaults.IsBrokenTransport(exception))
            {
                throw;
            }

            return false;
        }
        finally
        {
            _written.SetResult();
        }
    }
}
