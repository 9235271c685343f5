using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Server.Calls;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Calls;

public sealed class GrpcCallStreamTests
{
    public static TheoryData<Exception> OfTheTransport =>
    [
        new OperationCanceledException(),
        new IOException("The client reset the request stream."),
        new ObjectDisposedException("stream"),
        new RpcException(new Status(StatusCode.Cancelled, "")),
        new InvalidOperationException("Can't write the message because the request is complete."),
        new InvalidOperationException("Can't read messages after the request is complete."),
    ];

    public static TheoryData<Exception> OfOurs =>
    [
        new InvalidOperationException("Can't write the message because the previous write is in progress."),
        new InvalidOperationException("Collection was modified; enumeration operation may not execute."),
        Record.Exception(static () => new CodedOutputStream(new byte[1]).WriteInt64(long.MaxValue))!,
        new KeyNotFoundException(),
    ];

    [Theory]
    [MemberData(nameof(OfTheTransport))]
    public void What_the_transport_throws_means_that_the_client_vanished(Exception exception) => Assert.True(GrpcCallStream.IsBroken(exception));

    [Theory]
    [MemberData(nameof(OfOurs))]
    public void A_fault_of_ours_does_not(Exception exception) => Assert.False(GrpcCallStream.IsBroken(exception));
}
