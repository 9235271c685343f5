using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>A frame of a video or camera, sent as pixels.</summary>
internal sealed class PixelItem : SourceItem
{
    /// <summary>Valid until the next item is asked for, unless the source keeps frames.</summary>
    public required ReadOnlyMemory<byte> Pixels { get; init; }

    public required FrameFormat Format { get; init; }

    /// <summary>The item for a frame, or for one that is too large the failure.</summary>
    /// <param name="frame">As read.</param>
    /// <param name="path">As shown in results.</param>
    /// <param name="name">What files made from it are named after.</param>
    /// <param name="seconds">Its time in the stream.</param>
    /// <param name="captured">When it was taken.</param>
    public static SourceItem Of(VideoFrame frame, string path, string name, double seconds, DateTimeOffset captured) => frame.Pixels is { } pixels
        ? new PixelItem
        {
            Path = path,
            Name = name,
            TimeSeconds = seconds,
            CaptureTime = captured,
            Pixels = pixels,
            Format = new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = (uint)frame.Entry.Width, Height = (uint)frame.Entry.Height },
        }
        : LostFrame.Of(
            path, frame.Entry.Number, seconds, $"is too large to be sent: {frame.Entry.Width}x{frame.Entry.Height} pixels", LoupeFailureCode.TooLarge);

    public override ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new LoadedItem(new RawFrame(Pixels, Format) { FrameId = frameId, CaptureTime = CaptureTime }, null));
}
