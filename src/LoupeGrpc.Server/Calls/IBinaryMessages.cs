using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>Binary messages both ways, of something that is no gRPC. As <see cref="ICallStream"/>, of which it carries one.</summary>
internal interface IBinaryMessages
{
    /// <inheritdoc cref="ICallStream.Peer"/>
    string Peer { get; }

    /// <inheritdoc cref="ICallStream.Connection"/>
    string Connection { get; }

    /// <inheritdoc cref="ICallStream.Caller"/>
    Caller Caller { get; }

    /// <inheritdoc cref="ICallStream.Gone"/>
    CancellationToken Gone { get; }

    /// <inheritdoc cref="ICallStream.SlowBy"/>
    void SlowBy(PaidAhead paid);

    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>, and not because the client is gone.</exception>
    Task<ReceivedBytes> ReadAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="ICallStream.Release"/>
    void Release();

    /// <inheritdoc cref="ICallStream.TryWriteAsync"/>
    Task<bool> TryWriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>What a client did next; as <see cref="ReceivedRequest"/>.</summary>
/// <param name="Message">Until the next is read. Null: it sent none.</param>
internal readonly record struct ReceivedBytes(ReadOnlyMemory<byte>? Message, CallFailure? Violation, bool Vanished)
{
    public static ReceivedBytes Gone { get; } = new(null, null, true);

    public static ReceivedBytes Wrong(CallFailure violation) => new(null, violation, false);
}
