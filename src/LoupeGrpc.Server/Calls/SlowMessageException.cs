using Grpc.Core;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>Ends a call whose message is given up.</summary>
internal sealed class SlowMessageException : RpcException
{
    public SlowMessageException(CallFailure failure)
        : this(failure, failure.ToRpcException())
    {
    }

    private SlowMessageException(CallFailure failure, RpcException ending)
        : base(ending.Status, ending.Trailers) => Failure = failure;

    public CallFailure Failure { get; }
}
