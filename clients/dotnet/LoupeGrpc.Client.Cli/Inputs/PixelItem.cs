using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>A frame of a video or camera, sent as BGR pixels.</summary>
internal sealed class PixelItem : SourceItem
{
    /// <summary>Valid until the next item is asked for, unless the source keeps frames.</summary>
    public required ReadOnlyMemory<byte> Pixels { get; init; }

    public required int Width { get; init; }

    public required int Height { get; init; }

    public override ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken)
    {
        var format = new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = (uint)Width, Height = (uint)Height };
        return ValueTask.FromResult(new LoadedItem(new RawFrame(Pixels, format) { FrameId = frameId, CaptureTime = CaptureTime }, null));
    }
}
