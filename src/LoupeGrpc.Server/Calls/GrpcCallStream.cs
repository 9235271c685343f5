using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary>A call over gRPC.</summary>
internal sealed class GrpcCallStream(
    IAsyncStreamReader<AnalyzeRequest> requests, IAsyncStreamWriter<AnalyzeResponse> responses, ServerCallContext context, LoupeOptions options)
    : ICallStream
{
    private readonly IReceivedMessage? _message = context.GetHttpContext().Features.Get<IReceivedMessage>();

    public string Peer => context.Peer;

    public string Connection => context.GetHttpContext().Connection.Id;

    public Caller Caller { get; } = Caller.Of(context.GetHttpContext());

    public CancellationToken Gone => context.CancellationToken;

    public void SlowBy(PaidAhead paid) => _message?.SlowBy(paid);

    public async Task<ReceivedRequest> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await requests.MoveNext(cancellationToken).ConfigureAwait(false) ? ReceivedRequest.Of(requests.Current)
                : Gone.IsCancellationRequested ? ReceivedRequest.Gone
                : default;
        }
        catch (Exception exception) when (!Gone.IsCancellationRequested && ViolationOf(exception) is { } violation)
        {
            return ReceivedRequest.Wrong(violation);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !Gone.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // The reader may notice before the call's token does.
            return ReceivedRequest.Gone;
        }
    }

    public void Release() => _message?.Release();

    public async Task<bool> TryWriteAsync(AnalyzeResponse response, CancellationToken cancellationToken)
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
        InvalidProtocolBufferException => RequestMessages.NotOfTheContract,
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
