namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>What a container says about its video before a frame is decoded. Nulls where it does not say.</summary>
internal sealed record VideoPromise
{
    /// <summary>
    /// Codecs whose frames stand each for itself, and whose decoders give up a frame with a hole: damage stays where it is. FFV1 and QuickTime's
    /// Animation look alike and are not: what they learned from one frame they use for the next.
    /// </summary>
    private static readonly HashSet<string> IntraOnlyCodecs = new(StringComparer.Ordinal)
    {
        "mjpeg", "mjpegb", "prores", "dnxhd", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "rawvideo", "png", "v210", "jpeg2000", "cfhd", "dvvideo",
        "bmp", "tiff", "webp", "ljpeg", "jpegls",
    };

    public static VideoPromise Unknown { get; } = new();

    /// <summary>E.g. `h264`; `unknown` where not even ffprobe knows it.</summary>
    public string? Codec { get; init; }

    /// <summary>What the container calls the codec, e.g. `avc1`.</summary>
    public string? CodecTag { get; init; }

    /// <summary>E.g. `mpjpeg`: the container, or several names of one family.</summary>
    public string? Format { get; init; }

    /// <summary>Frames that the container has in its index.</summary>
    public long? Frames { get; init; }

    /// <summary>Where the last frame ends, in seconds from the start of the container.</summary>
    public double? End { get; init; }

    /// <summary>Frames a second, where they come at a constant rate.</summary>
    public double? FramesPerSecond { get; init; }

    /// <summary>Whether it has an end: a length or a duration.</summary>
    public bool IsFinite { get; init; }

    public bool IsIntraOnly => Codec is not null && IntraOnlyCodecs.Contains(Codec);
}
