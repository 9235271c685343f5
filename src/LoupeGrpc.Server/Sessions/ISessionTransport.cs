namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// What carries one call of a session: gRPC, or anything else that moves messages both ways. Everything that the transport can do wrong ends here as a
/// value, so an exception that comes out of it is a fault of ours. One reader and one writer at a time, beside each other.
/// </summary>
internal interface ISessionTransport
{
    /// <summary>The client's address.</summary>
    string Peer { get; }

    /// <summary>Canceled when the client is not there any more.</summary>
    CancellationToken Gone { get; }

    /// <summary>From now on large messages wait, before they are received, for what they cost of the owner's pace. Before the first is read.</summary>
    void SlowBy(PaidAhead paid);

    /// <summary>The next thing that the client sends.</summary>
    /// <param name="opening">Of the session: a frame may leave to it what it does not say itself.</param>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>, and not because the client is gone.</exception>
    Task<SessionInput> ReadAsync(SessionOpening opening, CancellationToken cancellationToken);

    /// <summary>What was read last is in the session's own accounts now.</summary>
    void Release();

    /// <returns>False: the client or its connection is gone, or <paramref name="cancellationToken"/> was canceled.</returns>
    Task<bool> TryWriteAsync(SessionResponse response, CancellationToken cancellationToken);

    /// <inheritdoc cref="TryWriteAsync(SessionResponse, CancellationToken)"/>
    Task<bool> TryWriteAsync(SessionGrant grant, CancellationToken cancellationToken);

    /// <inheritdoc cref="TryWriteAsync(SessionResponse, CancellationToken)"/>
    Task<bool> TryWriteAsync(SessionSummary summary, CancellationToken cancellationToken);
}
