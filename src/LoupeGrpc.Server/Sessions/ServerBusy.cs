using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>Why something is refused that would be fine at another time.</summary>
internal static class ServerBusy
{
    public static FrameFailure NoBytesLeft(LimitOptions limits) => new(
        FailureKind.Overloaded, $"frames of all sessions hold {limits.MaxBufferedBytes} bytes already: Loupe:Limits:MaxBufferedBytes");

    public static FrameFailure TooManyPictures(EngineOptions engine) => new(
        FailureKind.Overloaded, $"{engine.MaxFramesWaiting} pictures wait already: Loupe:Engine:MaxFramesWaiting");

    public static CallFailure NoSessionLeft(LimitOptions limits) => new(new FrameFailure(
        FailureKind.Overloaded, $"{limits.MaxSessions} sessions are open already: Loupe:Limits:MaxSessions"));

    public static CallFailure NoSessionLeft(OwnerQuota quota) => new(new FrameFailure(
        FailureKind.Overloaded, $"the identity has all the sessions that it may have ({quota.Sessions}): {quota.Setting}"));

    public static CallFailure NoSessionLeftForAddress(OwnerQuota quota) => new(new FrameFailure(
        FailureKind.Overloaded, $"its address has all the sessions that one may have ({quota.AddressSessions}): Loupe:Quotas:AddressSessions"));

    public static CallFailure TooManyFrames { get; } = new(new FrameFailure(
        FailureKind.Overloaded, "more pictures or bytes a second than the identity may send: Loupe:Quotas:FramesPerSecond and BytesPerSecond, or --frames-per-second of its key"));

    public static FrameFailure NoQuotaLeft { get; } = new(FailureKind.Overloaded, "pictures of the identity hold all the bytes that they may: Loupe:Quotas:BufferedBytes");

    public static CallFailure TooManyUnopened(ConnectionOptions connections) => new(new FrameFailure(
        FailureKind.Overloaded,
        $"too many calls without a session: at most {connections.MaxUnopenedCalls} at a time, and half of that on one connection (Loupe:Connections:MaxUnopenedCalls)"));

    public static CallFailure OpensNothing(ConnectionOptions connections) => new(new FrameFailure(
        FailureKind.Expired, FormattableString.Invariant($"the call opened no session within {connections.OpenTimeout.TotalSeconds:0.###} s: Loupe:Connections:OpenTimeout")));

    public static CallFailure SlowMessage { get; } = new(new FrameFailure(
        FailureKind.Overloaded,
        "a message came slower than a mebibyte a second, and others waited for the memory that was kept for it: Loupe:Limits:MaxReceivingBytes"));

    public static CallFailure Stopping { get; } = new(new FrameFailure(FailureKind.Canceled, "the server is stopping"));
}
