using Grpc.Core;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

internal static class StatusAssert
{
    /// <summary>The call ended with this status, and its details hold a failure of this code.</summary>
    /// <returns>That failure.</returns>
    public static Failed Carries(RpcException exception, StatusCode status, FailureCode code)
    {
        Assert.Equal(status, exception.StatusCode);
        var details = exception.GetRpcStatus();
        Assert.NotNull(details);
        var failed = Assert.Single(details.Details).Unpack<Failed>();
        Assert.Equal(code, failed.Code);
        Assert.Equal(failed.Message, exception.Status.Detail);
        return failed;
    }
}
