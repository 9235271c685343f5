using Grpc.Core;

namespace LoupeGrpc.Server.Calls;

/// <summary>A message came so slowly that others who waited for its memory went first. Ends the call.</summary>
internal sealed class SlowMessageException(TimeSpan patience) : RpcException(new Status(
    StatusCode.ResourceExhausted,
    FormattableString.Invariant(
        $"a message was not there after {patience.TotalSeconds:0} s, and others waited for the memory that was kept for it: Loupe:Limits:MaxReceivingBytes")));
