namespace LoupeGrpc.Engine.Imaging;

/// <summary>PNG and APNG (W3C): every chunk header up to IEND.</summary>
internal static class PngHeaderReader
{
    /// <summary>Length, name and checksum around a chunk's content.</summary>
    public const int ChunkOverhead = 12;

    private const int HeaderLength = 13;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <param name="data">Begins with <see cref="Signature"/>.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        var view = new ByteView(data, littleEndian: false);
        if (view.TrySlice(Signature.Length + 4, 4, out var first) && first.SequenceEqual("CgBI"u8))
        {
            return SniffResult.Unsupported("Apple's CgBI variant of PNG");
        }

        if (!view.TrySlice(Signature.Length, 8 + HeaderLength, out var header))
        {
            return SniffResult.Invalid("The PNG is truncated: it ends inside its header.");
        }

        if (!header[4..8].SequenceEqual("IHDR"u8))
        {
            return SniffResult.Invalid("The PNG is damaged: its first chunk is not IHDR.");
        }

        var result = ReadHeader(header[8..]);
        return result.Failure is null ? ReadChunks(view, result.Header, PngRows.Measure(header[8..])) : result;
    }

    private static SniffResult ReadHeader(ReadOnlySpan<byte> header)
    {
        var view = new ByteView(header, littleEndian: false);
        _ = view.TryReadUInt32(0, out uint width);
        _ = view.TryReadUInt32(4, out uint height);
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue)
        {
            return SniffResult.Invalid($"The PNG is damaged: its header gives a size of {width}x{height} pixels.");
        }

        int depth = header[8];
        int colorType = header[9];
        bool fits = colorType switch
        {
            0 => depth is 1 or 2 or 4 or 8 or 16,
            3 => depth is 1 or 2 or 4 or 8,
            2 or 4 or 6 => depth is 8 or 16,
            _ => false,
        };
        if (!fits)
        {
            return SniffResult.Invalid($"The PNG is damaged: colour type {colorType} with {depth} bits per sample does not exist.");
        }

        return new ImageHeader(ImageKind.Png, width, height)
        {
            BitDepth = depth,
            Color = colorType switch { 0 or 4 => ColorModel.Gray, 3 => ColorModel.Palette, _ => ColorModel.Rgb },
            HasAlpha = colorType is 4 or 6,
        };
    }

    private static ImageHeader ReadChunks(ByteView view, ImageHeader header, PngRows rows)
    {
        bool data = false;
        long compressed = 0;
        for (long position = Signature.Length; view.TryReadUInt32(position, out uint length) && view.TrySlice(position + 4, 4, out var name);)
        {
            if (name.SequenceEqual("IEND"u8))
            {
                return !data ? header with { Defect = "it has no image data" }
                    : compressed > rows.MostCompressed ? header with { Defect = $"it has {compressed} bytes of compressed data for {rows.Bytes} bytes of pixels" }
                    : header;
            }

            if (!view.TrySlice(position + 8, length, out var content))
            {
                break;
            }

            if (name.SequenceEqual("IDAT"u8))
            {
                data = true;
                compressed += length;
            }
            else if (name.SequenceEqual("acTL"u8))
            {
                var animation = new ByteView(content, littleEndian: false);
                if (animation.TryReadUInt32(0, out uint frames) && frames > 1)
                {
                    header = header with { Frames = (int)Math.Min(frames, int.MaxValue) };
                }
            }
            else if (name.SequenceEqual("tRNS"u8))
            {
                header = header with { HasAlpha = true };
            }
            else if (name.SequenceEqual("eXIf"u8))
            {
                header = header with { Orientation = TiffDirectory.OrientationOfExif(content), Software = TiffDirectory.SoftwareOfExif(content) };
            }

            position += ChunkOverhead + (long)length;
        }

        return header with { Defect = "it is truncated: it ends before its IEND chunk" };
    }

    /// <summary>The content of all IDAT chunks, one behind the other.</summary>
    /// <param name="file">Sniffed, and without a defect.</param>
    public static byte[] CollectData(ReadOnlySpan<byte> file)
    {
        using var data = new MemoryStream(file.Length);
        var view = new ByteView(file, littleEndian: false);
        for (long position = Signature.Length; view.TryReadUInt32(position, out uint length) && view.TrySlice(position + 8, length, out var content);)
        {
            if (file[((int)position + 4)..].StartsWith("IDAT"u8))
            {
                data.Write(content);
            }

            position += ChunkOverhead + (long)length;
        }

        return data.ToArray();
    }
}
