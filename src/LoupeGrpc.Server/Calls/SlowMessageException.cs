using Grpc.Core;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>Ends a call whose message is given up.</summary>
internal sealed class SlowMessageException(CallFailure failure) : RpcException(new Status(StatusCode.ResourceExhausted, failure.Message))
{
    public CallFailure Failure => failure;
}
