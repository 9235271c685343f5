using LoupeGrpc.Server.Calls;
using Microsoft.AspNetCore.Connections;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Calls;

public sealed class CallFaultsTests
{
    public static TheoryData<Exception> OfTheTransport =>
    [
        new OperationCanceledException(),
        new ConnectionResetException("Connection reset by peer"),
        new ConnectionAbortedException(),
        new IOException("The client reset the request stream."),
        // What each call of a connection gets that breaks in the middle of their messages.
        new IOException("The request stream was aborted.", new ConnectionAbortedException("The HTTP/2 connection faulted.")),
        new IOException("The request stream was aborted.", new ConnectionResetException("Connection reset by peer")),
    ];

    public static TheoryData<Exception> OfOurs =>
    [
        new IOException("No space left on device : '/var/cache/loupe-grpc/x'"),
        new IOException("The file cannot be read.", new UnauthorizedAccessException()),
        new InvalidOperationException("Collection was modified; enumeration operation may not execute."),
        new NotSupportedException(),
    ];

    [Theory]
    [MemberData(nameof(OfTheTransport))]
    public void Whoever_vanishes_is_no_fault(Exception exception) => Assert.True(CallFaults.IsGone(exception));

    [Theory]
    [MemberData(nameof(OfOurs))]
    public void A_fault_of_ours_is_one(Exception exception) => Assert.False(CallFaults.IsGone(exception));
}
