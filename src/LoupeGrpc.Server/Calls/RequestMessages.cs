using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>What is wrong with the requests of a call, whatever carries it.</summary>
internal static class RequestMessages
{
    public static CallFailure NotOfTheContract { get; } = CallFailure.Invalid("a message is not of this contract");
}
