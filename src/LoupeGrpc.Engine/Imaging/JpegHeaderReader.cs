namespace LoupeGrpc.Engine.Imaging;

/// <summary>JPEG (ITU-T T.81): the segments up to the frame header, EXIF in APP1.</summary>
internal static class JpegHeaderReader
{
    private const byte App1 = 0xE1;
    private const byte StartOfScan = 0xDA;
    private const byte EndOfImage = 0xD9;
    private const byte JpegLsFrame = 0xF7;

    /// <param name="data">Begins with FF D8 FF.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        var view = new ByteView(data, littleEndian: false);
        int orientation = 1;
        long position = 2;
        while (position < data.Length)
        {
            if (data[(int)position] != 0xFF)
            {
                return SniffResult.Invalid($"The JPEG is damaged: no segment begins at byte {position}.");
            }

            // Any number of FF may stand before a marker.
            while (position < data.Length && data[(int)position] == 0xFF)
            {
                position++;
            }

            if (position >= data.Length)
            {
                break;
            }

            byte marker = data[(int)position++];
            if (marker is 0x01 or >= 0xD0 and <= 0xD7)
            {
                continue;
            }

            if (marker is StartOfScan or EndOfImage)
            {
                return SniffResult.Invalid("The JPEG is damaged: it has no frame header before its data.");
            }

            if (!view.TryReadUInt16(position, out ushort length) || length < 2)
            {
                break;
            }

            if (IsFrame(marker))
            {
                return ReadFrame(view, position + 2, marker, orientation);
            }

            if (marker == JpegLsFrame)
            {
                return SniffResult.Unsupported("JPEG-LS");
            }

            if (marker == App1 && view.TrySlice(position + 2, length - 2, out var segment) && segment.StartsWith("Exif\0\0"u8))
            {
                orientation = TiffDirectory.OrientationOfExif(segment[6..]);
            }

            position += length;
        }

        return SniffResult.Invalid("The JPEG is truncated: it ends before its frame header.");
    }

    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    private static SniffResult ReadFrame(ByteView view, long position, byte marker, int orientation)
    {
        if (!view.TrySlice(position, 6, out var frame))
        {
            return SniffResult.Invalid("The JPEG is truncated: it ends inside its frame header.");
        }

        // Hierarchical coding (C5 to C7, CD to CF) and arithmetic lossless (CB) exist on paper only.
        if (marker is >= 0xC5 and <= 0xC7 or 0xCB or >= 0xCD)
        {
            return SniffResult.Unsupported($"JPEG with the coding process SOF{marker - 0xC0}");
        }

        if (frame[0] != 8)
        {
            return SniffResult.Unsupported($"JPEG with {frame[0]} bits a sample");
        }

        int height = (frame[1] << 8) | frame[2];
        int width = (frame[3] << 8) | frame[4];
        if (width == 0 || height == 0)
        {
            return SniffResult.Invalid($"The JPEG's frame header says {width}x{height} pixels.");
        }

        int components = frame[5];
        if (components is not (1 or 3 or 4))
        {
            return SniffResult.Unsupported($"JPEG with {components} components");
        }

        return new ImageHeader(ImageKind.Jpeg, width, height)
        {
            Color = components switch { 1 => ColorModel.Gray, 3 => ColorModel.YCbCr, _ => ColorModel.Cmyk },
            Orientation = orientation,
        };
    }
}
