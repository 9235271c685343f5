using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;

namespace LoupeGrpc.Server.Streaming;

/// <summary>How a session, or a call that served it, came to its end.</summary>
/// <param name="Name">For the log.</param>
/// <param name="Summarized">Whether the client gets a summary.</param>
/// <param name="Status">Ends the call; null: OK, or nobody is there to hear it.</param>
internal sealed record SessionEnd(string Name, bool Summarized, RpcException? Status)
{
    public static SessionEnd HalfClosed { get; } = new("half-closed", true, null);

    public static SessionEnd Vanished { get; } = new("the client vanished", false, null);

    public static SessionEnd NotResumed { get; } = new("not resumed within its window", false, null);

    public static SessionEnd MadeRoom { get; } = new("dropped while it waited to be resumed: another session needed its place", false, null);

    public static SessionEnd Faulted { get; } = new("a fault of the server", false, null);

    /// <summary>Of a call; the session goes on.</summary>
    public static SessionEnd TakenOver { get; } = new(
        "another call resumed the session",
        false,
        new FrameFailure(FailureKind.Canceled, "another call resumed the session").ToRpcException(StatusCode.Aborted));

    public static SessionEnd Drained() => new(
        "drained", true, new FrameFailure(FailureKind.Canceled, "the server is stopping").ToRpcException());

    public static SessionEnd Terminated(string reason) => new(
        "terminated",
        false,
        new FrameFailure(FailureKind.Canceled, reason.Length == 0 ? "an administrator ended the session" : reason).ToRpcException(StatusCode.Aborted));

    public static SessionEnd Refused(RpcException status) => new("broken protocol", false, status);
}
