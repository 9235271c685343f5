using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>
/// One session: frames in, one outcome for each out. Open it with <see cref="LoupeClient.OpenSessionAsync"/>.
/// Sending, controlling and reading are independent of each other and may run on different threads; sending is thread-safe.
/// When the connection breaks, the session goes on with another one (<see cref="LoupeSessionOptions.Reconnect"/>); sending waits meanwhile.
/// Where that cannot be, every frame in flight gets <see cref="LoupeFailureCode.ConnectionLost"/>, <see cref="Results"/> ends
/// after them, and <see cref="SendAsync"/> and <see cref="CompleteAsync"/> throw.
/// </summary>
public sealed partial class LoupeSession : IAsyncDisposable
{
    private const int DefaultCredits = 64;

    /// <summary>How long a session in which nothing is in flight may take to say goodbye.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(1);

    private readonly SessionConnector _connector;
    private readonly OutcomeLedger _ledger;
    private readonly PendingControls _controls = new();
    private readonly SemaphoreSlim _credits;

    /// <summary>Held by who writes, and while there is no connection to write to.</summary>
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly TaskCompletionSource<SessionSummary> _summary = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _disposing = new();
    private readonly Channel<LoupeSessionEvent> _events = Channel.CreateBounded<LoupeSessionEvent>(
        new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Null where the session ends with its connection.</summary>
    private readonly UnansweredMessages? _unanswered;
    private readonly Task _running;

    /// <summary>Used by who holds <see cref="_writing"/>.</summary>
    private SessionConnection _connection;
    private Task _resending = Task.CompletedTask;
    private Outage? _outage;
    private ulong _received;
    private volatile bool _completing;

    /// <summary>Used by who holds <see cref="_writing"/>.</summary>
    private bool _halfClosed;
    private volatile LoupeException? _fault;

    private LoupeSession(SessionConnector connector, SessionConnection connection, LoupeSessionOptions options)
    {
        _connector = connector;
        _connection = connection;
        Grant = connection.Grant;
        var granted = Grant.Limits?.Credits is > 0 and var credits ? (int)Math.Min(credits, int.MaxValue) : DefaultCredits;
        _credits = new SemaphoreSlim(Math.Min(granted, options.MaxFramesInFlight));
        _ledger = new OutcomeLedger(!options.Unordered);
        _unanswered = options.Reconnect && !Grant.ResumeToken.IsEmpty ? new UnansweredMessages() : null;
        _running = Task.Run(RunAsync);
    }

    /// <summary>What the server granted at the opening: limits, model, what runs it, and what of the request is not available.</summary>
    public SessionGrant Grant { get; }

    /// <summary>Why the session ended before it was completed. Null while it runs and after a regular end.</summary>
    public LoupeException? Fault => _fault;

    /// <summary>
    /// Sends a frame once there is room: at most the granted credits of frames are without an outcome taken from <see cref="Results"/>,
    /// so read those beside. A frame over the granted <see cref="Limits.MaxFrameBytes"/> is not sent and gets
    /// <see cref="LoupeFailureCode.TooLarge"/>.
    /// </summary>
    /// <param name="frame">
    /// Its bytes may be reused when the returned task is done: a session that may have to send it again has a copy until its outcome is there.
    /// </param>
    /// <param name="cancellationToken">Gives up waiting for room, and then the frame was not taken. Once its transfer has begun only disposing stops it.</param>
    /// <returns>Done when the frame was taken: from then on it has exactly one outcome. When this throws, it has none.</returns>
    /// <exception cref="LoupeConnectionLostException">The session is over.</exception>
    /// <exception cref="InvalidOperationException"><see cref="CompleteAsync"/> was called.</exception>
    public async ValueTask SendAsync(LoupeFrame frame, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ThrowIfCompleting();
        await WaitAsync(_credits, cancellationToken).ConfigureAwait(false);
        var taken = false;
        try
        {
            await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
            try
            {
                ThrowIfCompleting();
                var limit = Grant.Limits?.MaxFrameBytes ?? 0;
                if (limit > 0 && (ulong)frame.Data.Length > limit)
                {
                    taken = _ledger.TryEnterFailed(frame.FrameId, LoupeFailureCode.TooLarge, TooLarge(frame.Data.Length, limit));
                }
                else
                {
                    taken = _ledger.TryEnter(frame.FrameId, out var sequence);
                    if (taken)
                    {
                        await _connection.WriteAsync(
                            _unanswered?.AddFrame(sequence, frame) ?? new AnalyzeRequest { Frame = frame.ToMessage(frame.Data) }).ConfigureAwait(false);
                    }
                }
            }
            finally
            {
                _writing.Release();
            }
        }
        finally
        {
            if (!taken)
            {
                _credits.Release();
            }
        }

        if (!taken)
        {
            throw Ended();
        }
    }

    /// <summary>
    /// The outcomes, in the order of sending unless the session is unordered. Ends after the last one when the session was completed,
    /// broke or was disposed; never throws for those. One reader at a time; a later one goes on where an earlier one stopped.
    /// </summary>
    /// <param name="cancellationToken">Stops reading; the session goes on.</param>
    public async IAsyncEnumerable<LoupeOutcome> Results([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _ledger.Outcomes.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_ledger.Outcomes.TryRead(out var outcome))
            {
                _credits.Release();
                yield return outcome;
            }
        }
    }

    /// <summary>
    /// What happened to the session by itself, on the server and on the way to it. Ends with the session.
    /// Nobody has to read it: the 256 latest are kept.
    /// </summary>
    public IAsyncEnumerable<LoupeSessionEvent> Events(CancellationToken cancellationToken = default) =>
        _events.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Says that no more frames come and waits for the server's account. Outcomes can still be read afterwards.</summary>
    /// <param name="cancellationToken">Gives up waiting; the session stays half-closed.</param>
    /// <exception cref="LoupeConnectionLostException">The session broke before the summary came.</exception>
    public async Task<SessionSummary> CompleteAsync(CancellationToken cancellationToken = default)
    {
        if (!_summary.Task.IsCompleted)
        {
            await HalfCloseAsync(cancellationToken).ConfigureAwait(false);
        }

        return await _summary.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends the session at once when it was not completed: frames in flight get <see cref="LoupeFailureCode.Canceled"/>. A session that can be resumed
    /// and has frames in flight is left to the server, which keeps it for its resume window; one without is completed.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_unanswered is not null && _ledger.IsIdle && !_running.IsCompleted)
        {
            using var patience = new CancellationTokenSource(GoodbyeTime);
            await ((Task)CompleteAsync(patience.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _disposing.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    internal static async Task<LoupeSession> OpenAsync(SessionConnector connector, LoupeSessionOptions options, CancellationToken cancellationToken) =>
        new(connector, await connector.OpenAsync(cancellationToken).ConfigureAwait(false), options);

    private async Task HalfCloseAsync(CancellationToken cancellationToken)
    {
        await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
        _completing = true;
        _writing.Release();

        // A server that has answered a half-closed call forgets the session: what a connection that breaks then loses could not be asked for again.
        if (_unanswered is not null)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
            await ((Task)_unanswered.WhenEmpty().WaitAsync(either.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (_ended.IsCancellationRequested)
            {
                return;
            }
        }

        await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_halfClosed)
            {
                _halfClosed = true;
                await _connection.CompleteWritesAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task RunAsync()
    {
        var connection = _connection;
        LoupeException? fault;
        while (true)
        {
            var received = _received;
            var end = await ReadAsync(connection).ConfigureAwait(false);
            if (_received > received)
            {
                _outage = null;
            }

            fault = end.Fault;
            if (!end.IsTransport || _unanswered is null || _summary.Task.IsCompleted || _disposing.IsCancellationRequested)
            {
                break;
            }

            try
            {
                connection = await ResumeAsync(fault).ConfigureAwait(false);
            }
            catch (LoupeRefusedException error)
            {
                fault = error;
                break;
            }
            catch (Exception error)
            {
                fault = new LoupeConnectionLostException($"{fault.Message}, and the session could not be resumed: {error.Message}", error);
                break;
            }
        }

        // A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
        End(_disposing.IsCancellationRequested ? new LoupeConnectionLostException("the session was disposed")
            : _completing && _summary.Task.IsCompletedSuccessfully ? null
            : fault);
    }

    private async Task<ConnectionEnd> ReadAsync(SessionConnection connection)
    {
        // Ends writes that are under way too.
        using var owned = connection;
        using var stop = _disposing.Token.Register(connection.Dispose);
        return await connection.ReadAsync(Take).ConfigureAwait(false);
    }

    /// <returns>Why the session cannot go on.</returns>
    private LoupeConnectionLostException? Take(AnalyzeResponse response)
    {
        switch (response.PayloadCase)
        {
            case AnalyzeResponse.PayloadOneofCase.Outcome:
                _received++;
                _unanswered?.RemoveFrame(response.Outcome.Sequence);
                return _ledger.TrySettle(response.Outcome)
                    ? null
                    : new LoupeConnectionLostException(
                        $"the server at {_connector.Address} broke the protocol: it sent an outcome for frame {response.Outcome.Sequence}, which was not waiting for one");
            case AnalyzeResponse.PayloadOneofCase.ControlReply:
                _received++;
                _unanswered?.RemoveControl(response.ControlReply.ControlId);
                _controls.Settle(response.ControlReply);
                return null;
            case AnalyzeResponse.PayloadOneofCase.Event:
                _events.Writer.TryWrite(new LoupeServerEvent { Event = response.Event });
                if (response.Event.Kind == SessionEventKind.TakenOver)
                {
                    // Taking it back would be a fight.
                    return new LoupeConnectionLostException($"another connection took over the session at {_connector.Address}");
                }

                _received++;
                return null;
            case AnalyzeResponse.PayloadOneofCase.Summary:
                _summary.TrySetResult(response.Summary);
                return null;
            default:
                // Kinds that a newer server may send.
                return null;
        }
    }

    private void End(LoupeException? fault)
    {
        _fault = fault;
        if (fault is not null && !_disposing.IsCancellationRequested)
        {
            ClientLog.Ended(_connector.Logger, Grant.SessionId, _connector.Address, fault.Message);
        }

        _ended.Cancel();
        _ledger.Close(
            _disposing.IsCancellationRequested ? LoupeFailureCode.Canceled : LoupeFailureCode.ConnectionLost,
            fault?.Message ?? "the server completed the session without an outcome for this frame");
        _events.Writer.TryComplete();
        var ended = Ended();
        _controls.Close(ended);
        if (_summary.TrySetException(ended))
        {
            // Nobody has to ask for the summary.
            _ = _summary.Task.Exception;
        }
    }

    /// <summary>Waits for room or a turn, but never past the end of the session.</summary>
    private async ValueTask WaitAsync(SemaphoreSlim room, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_ended.IsCancellationRequested)
        {
            throw Ended();
        }

        if (room.Wait(0, CancellationToken.None))
        {
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        try
        {
            await room.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Ended();
        }
    }

    private void ThrowIfCompleting()
    {
        if (_completing)
        {
            throw new InvalidOperationException("The session is being completed: it takes no more frames and controls.");
        }
    }

    private LoupeConnectionLostException Ended() => new(_fault?.Message ?? "the session is over", _fault);

    private static string TooLarge(int bytes, ulong limit) => FormattableString.Invariant(
        $"the frame is {bytes / (1024.0 * 1024.0):0.0} MiB, and the limit is {limit / (1024.0 * 1024.0):0.##} MiB (Loupe:Limits:MaxFrameBytes on the server)");
}
