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

    public static CallFailure Stopping { get; } = new(new FrameFailure(FailureKind.Canceled, "the server is stopping"));
}
