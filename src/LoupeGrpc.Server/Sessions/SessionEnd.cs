using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Sessions;

/// <summary>How a session, or a call that served it, came to its end.</summary>
/// <param name="Name">For the log.</param>
/// <param name="Summarized">Whether the client gets a summary.</param>
/// <param name="Failure">Ends the call; null: OK, or nobody is there to hear it.</param>
internal sealed record SessionEnd(string Name, bool Summarized, CallFailure? Failure)
{
    private static readonly TimeSpan AbortPatience = TimeSpan.FromSeconds(1);

    /// <summary>How long the last responses may take to be written; null: as long as the client takes to read them.</summary>
    public TimeSpan? WritePatience { get; private init; }

    public static SessionEnd HalfClosed { get; } = new("half-closed", true, null);

    public static SessionEnd Vanished { get; } = new("the client vanished", false, null);

    public static SessionEnd NotResumed { get; } = new("not resumed within its window", false, null);

    public static SessionEnd MadeRoom { get; } = new("dropped while it waited to be resumed: another session needed its place", false, null);

    public static SessionEnd Unused { get; } =
        Aborted("unused", "all sessions are taken, this one has sent nothing yet, and another needed its place: Loupe:Sessions:UnusedTimeout, Loupe:Limits:MaxSessions");

    public static SessionEnd Idle { get; } =
        Aborted("idle", "all sessions are taken, this one has sent nothing for a while, and another needed its place: Loupe:Sessions:IdleTimeout, Loupe:Limits:MaxSessions");

    public static SessionEnd Unread { get; } =
        Aborted("unread", "the client did not read its responses, and others needed the memory that they take: Loupe:Limits:MaxRespondingBytes");

    /// <summary>What its client came in with is not taken any more.</summary>
    public static SessionEnd Revoked { get; } = new(
        "revoked", false, new CallFailure(new FrameFailure(FailureKind.Canceled, "the key that the session was opened with was revoked"), CallStatus.Unauthenticated))
    {
        WritePatience = AbortPatience,
    };

    public static SessionEnd Faulted { get; } = new("a fault of the server", false, null);

    /// <summary>It goes on elsewhere, from the store.</summary>
    public static SessionEnd HandedOver { get; } = new(
        "handed over", false, new CallFailure(new FrameFailure(FailureKind.Canceled, "the server is stopping: the session can be resumed at another one")));

    /// <summary>It went on elsewhere without this server being asked.</summary>
    public static SessionEnd FencedOut { get; } = Aborted("fenced out", "another server resumed the session");

    /// <summary>Of a call; the session goes on.</summary>
    public static SessionEnd TakenOver { get; } = Aborted("another call resumed the session", "another call resumed the session");

    public static SessionEnd Drained() => new("drained", true, ServerBusy.Stopping);

    public static SessionEnd Terminated(string reason) => Aborted("terminated", reason.Length == 0 ? "an administrator ended the session" : reason);

    public static SessionEnd Refused(CallFailure failure) => new("broken protocol", false, failure);

    private static SessionEnd Aborted(string name, string message) =>
        new(name, false, new CallFailure(new FrameFailure(FailureKind.Canceled, message), CallStatus.Aborted)) { WritePatience = AbortPatience };
}
