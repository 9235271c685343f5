namespace LoupeGrpc.Engine;

/// <summary>Why a frame could not be analysed. A closed set: hosts map it to outcomes and to gRPC status in one place.</summary>
public enum FailureKind
{
    /// <summary>Not a picture, truncated, or a layout that does not fit the bytes.</summary>
    Invalid,

    /// <summary>Over a limit of <see cref="EngineLimits"/>.</summary>
    TooLarge,

    /// <summary>Recognised, but not decoded here.</summary>
    Unsupported,

    /// <summary>No room now.</summary>
    Overloaded,

    /// <summary>The frame's deadline passed before its turn came.</summary>
    Expired,

    /// <summary>The caller gave up or the engine is stopping.</summary>
    Canceled,

    /// <summary>The model or what runs it failed.</summary>
    ModelFault,

    /// <summary>A fault of ours.</summary>
    Internal,
}

/// <summary>An expected failure, as a value.</summary>
/// <param name="Message">One sentence for people; names the setting and the limit where there is one.</param>
public sealed record FrameFailure(FailureKind Kind, string Message);
