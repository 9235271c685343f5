namespace LoupeGrpc.Engine.Imaging;

/// <summary>The limits, applied before a pixel is decoded.</summary>
internal static class SizeLimits
{
    private const double Mebi = 1 << 20;

    // A progressive JPEG goes over each sample ten times and more, and pictures have up to four samples a pixel.
    private const int MostSamplesPerPixel = 32;
    private const long FewPixels = 1 << 20;

    public static FrameFailure? CheckBytes(long bytes, EngineLimits limits) => bytes > limits.MaxFrameBytes
        ? new FrameFailure(FailureKind.TooLarge, $"The frame takes {Megabytes(bytes)}; the limit is {Megabytes(limits.MaxFrameBytes)} (Loupe:Limits:MaxFrameBytes).")
        : null;

    public static FrameFailure? CheckPixels(long width, long height, EngineLimits limits)
    {
        long longer = Math.Max(width, height);
        if (longer > limits.MaxSide)
        {
            return new FrameFailure(FailureKind.TooLarge, $"The picture is {width}x{height} pixels; no side may be longer than {limits.MaxSide} (Loupe:Limits:MaxSide).");
        }

        // Both sides are within an int here.
        return width * height > limits.MaxPixels
            ? new FrameFailure(FailureKind.TooLarge, $"The picture has {width * height} pixels ({width}x{height}); the limit is {limits.MaxPixels} (Loupe:Limits:MaxPixels).")
            : null;
    }

    /// <summary>What decoding costs beyond the picture's size. Its size was checked before.</summary>
    public static FrameFailure? CheckWork(ImageHeader header, EngineLimits limits)
    {
        if (header.Scans > limits.MaxScans)
        {
            return new FrameFailure(
                FailureKind.TooLarge, $"The {header.Kind.Name()} has {header.Scans} scans; the limit is {limits.MaxScans} (Loupe:Limits:MaxScans).");
        }

        // Blocks and tiles are larger than the smallest pictures.
        long most = MostSamplesPerPixel * Math.Max(limits.MaxPixels, FewPixels);
        return header.CodedSamples > most
            ? new FrameFailure(
                FailureKind.TooLarge,
                $"Decoding the {header.Kind.Name()} of {header.Width}x{header.Height} pixels would go over {header.CodedSamples} samples; the limit is {most}, "
                + $"{MostSamplesPerPixel} times Loupe:Limits:MaxPixels.")
            : null;
    }

    private static string Megabytes(long bytes) => bytes < Mebi / 10 ? $"{bytes} bytes" : $"{bytes / Mebi:0.##} MiB";
}
