using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>One input, in its place in the order of results; its data is read when its turn comes.</summary>
internal abstract class SourceItem
{
    /// <summary>As shown in results. Never with credentials.</summary>
    public required string Path { get; init; }

    /// <summary>What files made from it are named after.</summary>
    public required string Name { get; init; }

    /// <summary>The same where other inputs are known too, so that none gets the name of another; null: as <see cref="Name"/> says.</summary>
    public ArtifactName? ArtifactName { get; init; }

    /// <summary>The frame's own file, in a folder of frames; null elsewhere.</summary>
    public string? Source { get; init; }

    /// <summary>Seconds from the start of a stream; null outside streams.</summary>
    public double? TimeSeconds { get; init; }

    public DateTimeOffset? CaptureTime { get; init; }

    /// <summary>How many pictures or frames it stands for.</summary>
    public virtual long Frames => 1;

    /// <summary>The frame, or why there is none.</summary>
    /// <param name="frameId">Its place in the order of inputs.</param>
    /// <param name="limits">What the server takes; larger files are not read.</param>
    /// <param name="cancellationToken">Gives up reading.</param>
    public abstract ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken);
}

/// <summary>An item after reading: exactly one of the two is set.</summary>
internal readonly record struct LoadedItem(LoupeFrame? Frame, LoupeFailed? Failure);
