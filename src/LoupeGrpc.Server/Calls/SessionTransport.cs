using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary>An <c>Analyze</c> call as the transport of a session.</summary>
internal sealed class SessionTransport(ICallStream call, LoupeOptions options) : ISessionTransport
{
    /// <summary>Each is answered: no client that works sends more.</summary>
    private const int MaxEarlyControls = 16;

    public string Peer => call.Peer;

    public string Connection => call.Connection;

    public Caller Caller => call.Caller;

    public CancellationToken Gone => call.Gone;

    /// <summary>The message that opens a session. Controls that come too early are answered, and change nothing.</summary>
    /// <returns>Neither where the client vanished first.</returns>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>, and not because the client is gone.</exception>
    public async Task<(OpenSession? Open, CallFailure? Violation)> ReadOpenAsync(CancellationToken cancellationToken)
    {
        for (var early = 0; ;)
        {
            var received = await call.ReadAsync(cancellationToken).ConfigureAwait(false);
            switch (received)
            {
                case { Vanished: true }:
                    return default;
                case { Violation: { } violation }:
                    return (null, violation);
                case { Message.PayloadCase: AnalyzeRequest.PayloadOneofCase.Open }:
                    return (received.Message.Open, null);
                case { Message.PayloadCase: AnalyzeRequest.PayloadOneofCase.Control } when early++ == MaxEarlyControls:
                    return (null, CallFailure.Invalid($"more than {MaxEarlyControls} controls came before the message that opens the session"));
                case { Message.PayloadCase: AnalyzeRequest.PayloadOneofCase.Control }:
                    await call.TryWriteAsync(ControlReader.TooEarly(received.Message.Control), cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    return Gone.IsCancellationRequested ? default : (null, CallFailure.Invalid("the first message of a session must be open"));
            }
        }
    }

    public void SlowBy(PaidAhead paid) => call.SlowBy(paid);

    public async Task<SessionInput> ReadAsync(SessionOpening opening, CancellationToken cancellationToken)
    {
        var received = await call.ReadAsync(cancellationToken).ConfigureAwait(false);
        return received switch
        {
            { Vanished: true } => SessionInput.Vanish,
            { Violation: { } violation } => new SessionInput.Violation(violation),
            { Message: { } message } => message.PayloadCase switch
            {
                AnalyzeRequest.PayloadOneofCase.Frame => FrameReader.Read(message.Frame, opening),
                AnalyzeRequest.PayloadOneofCase.Control => ControlReader.Read(message.Control, options.Thresholds.For(opening.ModelThresholds)),
                AnalyzeRequest.PayloadOneofCase.Open => new SessionInput.Violation(CallFailure.Invalid("the session is open already: one call, one session")),
                _ => new SessionInput.Violation(CallFailure.Invalid("a message held neither open nor frame nor control")),
            },
            _ => SessionInput.HalfClose,
        };
    }

    public void Release() => call.Release();

    public Task<bool> TryWriteAsync(SessionResponse response, CancellationToken cancellationToken) =>
        call.TryWriteAsync(response.ToMessage(), cancellationToken);

    public Task<bool> TryWriteAsync(Sessions.SessionGrant grant, CancellationToken cancellationToken) =>
        call.TryWriteAsync(grant.ToMessage(options), cancellationToken);

    public Task<bool> TryWriteAsync(Sessions.SessionSummary summary, CancellationToken cancellationToken) =>
        call.TryWriteAsync(summary.ToMessage(), cancellationToken);
}
