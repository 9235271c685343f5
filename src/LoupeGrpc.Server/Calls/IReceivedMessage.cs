using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>The message of a call that was read last, as a feature of its request. It is charged to the messages that are being received.</summary>
internal interface IReceivedMessage
{
    /// <inheritdoc cref="ICallStream.SlowBy"/>
    void SlowBy(PaidAhead paid);

    /// <summary>Nothing of it is left, or another account has it.</summary>
    void Release();
}
