namespace LoupeGrpc.Server.Sessions;

/// <summary>What all sessions of one owner may take together.</summary>
/// <param name="Sessions">Open at a time, those that wait to be resumed among them; 0: as many as there are places.</param>
/// <param name="Setting">That says how many, for people.</param>
/// <param name="Pace">Null: frames as fast as they come.</param>
internal sealed record OwnerQuota(int Sessions, string Setting, IFramePace? Pace)
{
    public static OwnerQuota Unlimited { get; } = new(0, string.Empty, null);
}

/// <summary>How fast the frames of one owner may come, over all its sessions. Thread-safe.</summary>
internal interface IFramePace
{
    /// <summary>Waits until a frame more may come.</summary>
    /// <returns>False: canceled before.</returns>
    ValueTask<bool> WaitAsync(CancellationToken cancellationToken);

    /// <returns>Whether a frame more may come now.</returns>
    bool TryTake();
}
