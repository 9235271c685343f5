namespace LoupeGrpc.Engine.Imaging;

/// <summary>Everything that can be said against a frame before its pixels are read.</summary>
internal static class FrameInspector
{
    public static FrameFailure? Inspect(FrameInput input, EngineLimits limits, out FrameShape shape)
    {
        shape = default;
        if (SizeLimits.CheckBytes(input.Data.Length, limits) is { } tooLarge)
        {
            return tooLarge;
        }

        switch (input)
        {
            case RawInput raw:
                return InspectRaw(raw, limits, out shape);
            case EncodedInput encoded:
                return InspectEncoded(encoded.Header, limits, out shape);
            default:
                return new FrameFailure(FailureKind.Unsupported, $"Frames of type {input.GetType().Name} are not supported.");
        }
    }

    /// <summary>0 where that cannot be told.</summary>
    public static long CountPixels(FrameInput input) => input switch
    {
        RawInput raw => (long)raw.Layout.Width * raw.Layout.Height,
        EncodedInput { Header: { Failure: null, Header: var header } } => header.Width * header.Height,
        _ => 0,
    };

    private static FrameFailure? InspectEncoded(SniffResult sniffed, EngineLimits limits, out FrameShape shape)
    {
        shape = default;
        if (sniffed.Failure is not null)
        {
            return sniffed.Failure;
        }

        var header = sniffed.Header;
        if ((SizeLimits.CheckPixels(header.Width, header.Height, limits) ?? SizeLimits.CheckWork(header, limits)) is { } tooLarge)
        {
            return tooLarge;
        }

        shape = new FrameShape((int)header.Width, (int)header.Height, header);
        return null;
    }

    private static FrameFailure? InspectRaw(RawInput input, EngineLimits limits, out FrameShape shape)
    {
        var layout = input.Layout;
        shape = new FrameShape(layout.Width, layout.Height, null);
        return SizeLimits.CheckPixels(layout.Width, layout.Height, limits) ?? RawPlanes.Check(layout, input.Data.Length);
    }
}
