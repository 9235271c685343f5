using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Inference;

/// <summary>Why a request has no answer, whatever carries it.</summary>
internal sealed class InferenceException(CallFailure failure) : Exception(failure.Message)
{
    public CallFailure Failure => failure;

    /// <summary>There is no model of the name or version.</summary>
    public bool IsNotFound { get; private init; }

    public static InferenceException Invalid(string message) => new(CallFailure.Invalid(message));

    public static InferenceException NotFound(string message) => new(CallFailure.Invalid(message)) { IsNotFound = true };

    public static InferenceException Of(FrameFailure failure) => new(new CallFailure(failure));
}
