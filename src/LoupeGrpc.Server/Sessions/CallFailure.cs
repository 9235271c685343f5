using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Sessions;

/// <summary>Why a call ends as a whole.</summary>
internal sealed record CallFailure(FrameFailure Failure, CallStatus Status = CallStatus.AsTheFailure)
{
    public string Message => Failure.Message;

    public static CallFailure Invalid(string message) => new(new FrameFailure(FailureKind.Invalid, message));

    public static CallFailure TooLarge(string message) => new(new FrameFailure(FailureKind.TooLarge, message));

    public static CallFailure Unsupported(string message) => new(new FrameFailure(FailureKind.Unsupported, message));

    /// <summary>A fault of ours.</summary>
    public static CallFailure Internal(string message) => new(new FrameFailure(FailureKind.Internal, message));
}

/// <summary>The status of a call that ends with a failure.</summary>
internal enum CallStatus
{
    /// <summary>What goes with the kind of the failure.</summary>
    AsTheFailure,

    /// <summary>Somebody else ended it.</summary>
    Aborted,

    /// <summary>A claim on what is not kept any more.</summary>
    OutOfRange,

    /// <summary>Whoever called is not known any more.</summary>
    Unauthenticated,
}
