namespace LoupeGrpc.Server.Health;

/// <summary>Whether the server can serve. Goes from starting to serving to draining, never back. Thread-safe.</summary>
internal sealed class ServingState
{
    private volatile bool _draining;

    /// <summary>When it became able to serve; null before.</summary>
    public DateTimeOffset? ReadySince { get; private set; }

    /// <summary>From the start of the process until it could serve; null before.</summary>
    public TimeSpan? Startup { get; private set; }

    public bool IsDraining => _draining;

    public bool IsServing => ReadySince is not null && !_draining;

    /// <summary>Call once, before anybody asks.</summary>
    public void MarkReady(DateTimeOffset now, TimeSpan startup) => (ReadySince, Startup) = (now, startup);

    public void MarkDraining() => _draining = true;
}
