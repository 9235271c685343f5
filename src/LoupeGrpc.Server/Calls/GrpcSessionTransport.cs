using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary>An <c>Analyze</c> call as the transport of a session.</summary>
internal sealed class GrpcSessionTransport(
    IAsyncStreamReader<AnalyzeRequest> requests, IAsyncStreamWriter<AnalyzeResponse> responses, ServerCallContext context, LoupeOptions options, Func<ModelInfo> model)
    : ISessionTransport
{
    /// <summary>Each is answered: no client that works sends more.</summary>
    private const int MaxEarlyControls = 16;

    private readonly IReceivedMessage? _message = context.GetHttpContext().Features.Get<IReceivedMessage>();
    private bool _broken;

    public string Peer => context.Peer;

    /// <summary>The server's name of the connection, which other calls may share.</summary>
    public string Connection => context.GetHttpContext().Connection.Id;

    public Caller Caller { get; } = Caller.Of(context.GetHttpContext());

    public CancellationToken Gone => context.CancellationToken;

    /// <summary>The message that opens a session. Controls that come too early are answered, and change nothing.</summary>
    /// <returns>Neither where the client vanished first.</returns>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>, and not because the client is gone.</exception>
    public async Task<(OpenSession? Open, CallFailure? Violation)> ReadOpenAsync(CancellationToken cancellationToken)
    {
        for (var early = 0; ;)
        {
            var (any, violation) = await TryMoveAsync(cancellationToken).ConfigureAwait(false);
            if (violation is not null)
            {
                return (null, violation);
            }

            switch (any ? requests.Current.PayloadCase : AnalyzeRequest.PayloadOneofCase.None)
            {
                case AnalyzeRequest.PayloadOneofCase.Open:
                    return (requests.Current.Open, null);
                case AnalyzeRequest.PayloadOneofCase.Control when early++ == MaxEarlyControls:
                    return (null, CallFailure.Invalid($"more than {MaxEarlyControls} controls came before the message that opens the session"));
                case AnalyzeRequest.PayloadOneofCase.Control:
                    await TryWriteAsync(ControlReader.TooEarly(requests.Current.Control), cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    return Gone.IsCancellationRequested || _broken ? default : (null, CallFailure.Invalid("the first message of a session must be open"));
            }
        }
    }

    public async Task<SessionInput> ReadAsync(SessionOpening opening, CancellationToken cancellationToken)
    {
        var (any, violation) = await TryMoveAsync(cancellationToken).ConfigureAwait(false);
        if (violation is not null)
        {
            return new SessionInput.Violation(violation);
        }

        if (!any)
        {
            return Gone.IsCancellationRequested || _broken ? SessionInput.Vanish : SessionInput.HalfClose;
        }

        return requests.Current.PayloadCase switch
        {
            AnalyzeRequest.PayloadOneofCase.Frame => FrameReader.Read(requests.Current.Frame, opening),
            AnalyzeRequest.PayloadOneofCase.Control => ControlReader.Read(requests.Current.Control, options),
            AnalyzeRequest.PayloadOneofCase.Open => new SessionInput.Violation(CallFailure.Invalid("the session is open already: one call, one session")),
            _ => new SessionInput.Violation(CallFailure.Invalid("a message held neither open nor frame nor control")),
        };
    }

    public void Release() => _message?.Release();

    public Task<bool> TryWriteAsync(SessionResponse response, CancellationToken cancellationToken) =>
        TryWriteAsync(response.ToMessage(), cancellationToken);

    public Task<bool> TryWriteAsync(Sessions.SessionGrant grant, CancellationToken cancellationToken) =>
        TryWriteAsync(grant.ToMessage(options, model()), cancellationToken);

    public Task<bool> TryWriteAsync(Sessions.SessionSummary summary, CancellationToken cancellationToken) =>
        TryWriteAsync(summary.ToMessage(), cancellationToken);

    /// <returns>Whether there is a message; without one and without a violation the client is at its end, or gone.</returns>
    private async Task<(bool Any, CallFailure? Violation)> TryMoveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await requests.MoveNext(cancellationToken).ConfigureAwait(false), null);
        }
        catch (Exception exception) when (!Gone.IsCancellationRequested && ViolationOf(exception) is { } violation)
        {
            return (false, violation);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !Gone.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // The reader may notice before the call's token does.
            _broken = true;
            return (false, null);
        }
    }

    private async Task<bool> TryWriteAsync(AnalyzeResponse response, CancellationToken cancellationToken)
    {
        try
        {
            await responses.WriteAsync(response, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            return false;
        }
    }

    /// <summary>What the transport found wrong with a message, in our words. Null where the exception is about something else.</summary>
    private CallFailure? ViolationOf(Exception exception) => exception switch
    {
        SlowMessageException slow => slow.Failure,
        RpcException { StatusCode: StatusCode.ResourceExhausted } => LimitMessages.MessageTooLarge(options),
        RpcException { StatusCode: StatusCode.Unimplemented } status => CallFailure.Unsupported(status.Status.Detail),
        RpcException { StatusCode: StatusCode.Internal or StatusCode.InvalidArgument } status => CallFailure.Invalid(status.Status.Detail),
        InvalidProtocolBufferException => CallFailure.Invalid("a message is not of this contract"),
        _ => null,
    };

    /// <summary>Whether the client or the connection went away: only what the transport throws of its own means that, and nothing that is a fault of ours.</summary>
    internal static bool IsBroken(Exception exception) => exception switch
    {
        // Of the serialiser: a message became longer while it was written.
        CodedOutputStream.OutOfSpaceException => false,
        OperationCanceledException or IOException or RpcException or ObjectDisposedException => true,
        // gRPC's word for a call that ended before it was asked; two writes at a time would be our fault, and are told by the same type.
        InvalidOperationException => exception.Message.Contains("request is complete", StringComparison.Ordinal),
        _ => false,
    };
}
