using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>A picture file that is changed before it is sent.</summary>
/// <param name="file">The file.</param>
/// <param name="perturbation">What is done to it.</param>
/// <param name="seed">Of its noise.</param>
internal sealed class PerturbedItem(FileItem file, Perturbation perturbation, int seed) : SourceItem
{
    public override async ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken)
    {
        var loaded = await file.LoadAsync(frameId, limits, cancellationToken);
        if (loaded.Frame is not EncodedFrame picture)
        {
            return loaded;
        }

        var changed = await Task.Run(() => perturbation.Apply(picture.Data.ToArray(), seed), cancellationToken);
        if (changed is null)
        {
            return Failed(LoupeFailureCode.Unsupported, "this program cannot decode the picture, so it cannot change it");
        }

        return limits.MaxFrameBytes > 0 && (ulong)changed.Length > limits.MaxFrameBytes
            ? Failed(LoupeFailureCode.TooLarge, $"changed and stored as PNG it has {changed.Length} bytes, more than the server takes (Loupe:Limits:MaxFrameBytes)")
            : new LoadedItem(new EncodedFrame(changed) { FrameId = frameId }, null);

        LoadedItem Failed(LoupeFailureCode code, string message) =>
            new(null, new LoupeFailed { FrameId = frameId, Index = (long)frameId, Code = code, Message = message });
    }
}
