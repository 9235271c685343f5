using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>Requests out of turn: broken protocol, which ends a call as a whole, and controls that come too early, which do not.</summary>
internal static class RequestFaults
{
    public static RpcException NotOpened => Invalid("the first message of a session must be open");

    /// <summary>What a control gets that comes before its session: a bad control ends no call.</summary>
    public static AnalyzeResponse TooEarly(Control control) => new()
    {
        ControlReply = new ControlReply
        {
            ControlId = control.ControlId,
            Failed = new FrameFailure(FailureKind.Invalid, "there is no session yet: the first message must be open").ToFailed(),
        },
    };

    public static RpcException SecondOpen => Invalid("the session is open already: one call, one session");

    public static RpcException EmptyMessage => Invalid("a message held neither open nor frame nor control");

    /// <summary>A claim on a session by who says to have received more than was sent.</summary>
    public static RpcException ClaimTooHigh(ulong received, ulong sent) =>
        Invalid($"responses_received is {received}, but the session has sent {sent}");

    /// <summary>A claim on a session by who lacks what is not kept any more.</summary>
    /// <param name="least">The least number that can be claimed.</param>
    public static RpcException ClaimTooLow(ulong received, ulong least) => new FrameFailure(
        FailureKind.Invalid,
        $"responses_received is {received}, but the session keeps only what follows {least}: more responses were sent ahead than Loupe:Limits:Credits "
            + "or Loupe:Sessions:MaxKeptBytes cover").ToRpcException(StatusCode.OutOfRange);

    /// <summary>What the transport found wrong with a message, in our words. Null where the exception is about something else.</summary>
    public static RpcException? Find(Exception exception, LimitOptions limits) => exception switch
    {
        RpcException { StatusCode: StatusCode.ResourceExhausted } => new FrameFailure(
            FailureKind.TooLarge,
            $"a message is over the limit of {limits.MaxMessageBytes} bytes: Loupe:Limits:MaxFrameBytes, which is {limits.MaxFrameBytes}, and 1 MiB")
            .ToRpcException(),
        RpcException status => status,
        InvalidProtocolBufferException => Invalid("a message is not of this contract"),
        _ => null,
    };

    /// <summary>Whether the client or the connection went away. gRPC throws an InvalidOperationException where the call ended before it was asked.</summary>
    public static bool IsBrokenTransport(Exception exception) =>
        exception is OperationCanceledException or IOException or InvalidOperationException or RpcException;

    private static RpcException Invalid(string message) => new FrameFailure(FailureKind.Invalid, message).ToRpcException();
}
