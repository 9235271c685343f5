namespace LoupeGrpc.Server.Health;

/// <summary>Whether the server can serve. Goes from starting to serving to draining, never back. Thread-safe.</summary>
internal sealed class ServingState : IDisposable
{
    private readonly CancellationTokenSource _draining = new();

    /// <summary>When it became able to serve; null before.</summary>
    public DateTimeOffset? ReadySince { get; private set; }

    /// <summary>From the start of the process until it could serve; null before.</summary>
    public TimeSpan? Startup { get; private set; }

    /// <summary>Canceled when the server begins to stop.</summary>
    public CancellationToken Draining => _draining.Token;

    public bool IsDraining => _draining.IsCancellationRequested;

    public bool IsServing => ReadySince is not null && !IsDraining;

    /// <summary>Call once, before anybody asks.</summary>
    public void MarkReady(DateTimeOffset now, TimeSpan startup) => (ReadySince, Startup) = (now, startup);

    public void MarkDraining() => _draining.Cancel();

    public void Dispose() => _draining.Dispose();
}
