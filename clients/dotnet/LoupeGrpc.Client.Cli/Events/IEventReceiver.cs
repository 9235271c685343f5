namespace LoupeGrpc.Client.Cli.Events;

/// <summary>Where events go. One at a time. Disposing says goodbye, in bounded time.</summary>
internal interface IEventReceiver : IAsyncDisposable
{
    /// <summary>A connection that should be there has broken.</summary>
    bool IsBroken { get; }

    /// <summary>Told when <see cref="IsBroken"/> begins.</summary>
    Action? Broken { get; set; }

    /// <summary>Makes a connection that should be there between events; delivered where there is none.</summary>
    Task<Delivery> ConnectAsync(CancellationToken cancellationToken);

    /// <param name="id">The event's own.</param>
    /// <param name="json">The event.</param>
    /// <param name="cancellationToken">Gives up; whether it was delivered is not known then.</param>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/> only.</exception>
    Task<Delivery> SendAsync(string id, ReadOnlyMemory<byte> json, CancellationToken cancellationToken);
}
