using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary>
/// An <c>Analyze</c> call, whatever carries it: messages of the contract both ways, one reader and one writer beside each other. Everything that client and
/// connection can do wrong is a value, so an exception that comes out of it is a fault of ours.
/// </summary>
internal interface ICallStream
{
    /// <summary>The client's address.</summary>
    string Peer { get; }

    /// <summary>The server's name of the connection, which other calls may share.</summary>
    string Connection { get; }

    Caller Caller { get; }

    /// <summary>Canceled when the client is not there any more.</summary>
    CancellationToken Gone { get; }

    /// <inheritdoc cref="ISessionTransport.SlowBy"/>
    void SlowBy(PaidAhead paid);

    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>, and not because the client is gone. The call goes on, and can be written to.</exception>
    Task<ReceivedRequest> ReadAsync(CancellationToken cancellationToken);

    /// <summary>What was read last is charged to another account now.</summary>
    void Release();

    /// <returns>False: the client or its connection is gone, or <paramref name="cancellationToken"/> was canceled, which may end the call.</returns>
    Task<bool> TryWriteAsync(AnalyzeResponse response, CancellationToken cancellationToken);
}

/// <summary>What a client did next.</summary>
/// <param name="Message">It sent one.</param>
/// <param name="Violation">It sent what is none, in our words.</param>
/// <param name="Vanished">It is gone. Where all three are not: it will send no more, and waits for what is left.</param>
internal readonly record struct ReceivedRequest(AnalyzeRequest? Message, CallFailure? Violation, bool Vanished)
{
    public static ReceivedRequest Gone { get; } = new(null, null, true);

    public static ReceivedRequest Of(AnalyzeRequest message) => new(message, null, false);

    public static ReceivedRequest Wrong(CallFailure violation) => new(null, violation, false);
}
