using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The one place where failures become outcomes in a stream, and the status of a call that fails as a whole.</summary>
internal static class FailureMapping
{
    public static FailureCode CodeOf(FailureKind kind) => kind switch
    {
        FailureKind.Invalid => FailureCode.Invalid,
        FailureKind.TooLarge => FailureCode.TooLarge,
        FailureKind.Unsupported => FailureCode.Unsupported,
        FailureKind.Overloaded => FailureCode.Overloaded,
        FailureKind.Expired => FailureCode.Expired,
        FailureKind.Canceled => FailureCode.Canceled,
        FailureKind.ModelFault => FailureCode.ModelFault,
        _ => FailureCode.Internal,
    };

    public static StatusCode StatusOf(FailureKind kind) => kind switch
    {
        FailureKind.Invalid => StatusCode.InvalidArgument,
        FailureKind.TooLarge or FailureKind.Overloaded => StatusCode.ResourceExhausted,
        FailureKind.Unsupported => StatusCode.Unimplemented,
        FailureKind.Expired => StatusCode.DeadlineExceeded,
        // A caller that gave up hears nothing any more: whoever hears this has a server that is stopping.
        FailureKind.Canceled => StatusCode.Unavailable,
        _ => StatusCode.Internal,
    };

    public static Failed ToFailed(this FrameFailure failure) => new() { Code = CodeOf(failure.Kind), Message = failure.Message };

    /// <summary>The exception that ends a call, with a <see cref="Failed"/> in its status details.</summary>
    public static RpcException ToRpcException(this FrameFailure failure) => failure.ToRpcException(StatusOf(failure.Kind));

    /// <inheritdoc cref="ToRpcException(FrameFailure)"/>
    public static RpcException ToRpcException(this CallFailure call) => call.Failure.ToRpcException(StatusOf(call));

    /// <summary>The status of gRPC, for what carries a call otherwise.</summary>
    public static int StatusNumber(this CallFailure call) => (int)StatusOf(call);

    private static StatusCode StatusOf(CallFailure call) => call.Status switch
    {
        CallStatus.Aborted => StatusCode.Aborted,
        CallStatus.OutOfRange => StatusCode.OutOfRange,
        CallStatus.Unauthenticated => StatusCode.Unauthenticated,
        _ => StatusOf(call.Failure.Kind),
    };

    private static RpcException ToRpcException(this FrameFailure failure, StatusCode status) =>
        new Google.Rpc.Status { Code = (int)status, Message = failure.Message, Details = { Any.Pack(failure.ToFailed()) } }.ToRpcException();
}
