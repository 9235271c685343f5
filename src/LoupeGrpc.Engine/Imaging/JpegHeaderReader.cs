namespace LoupeGrpc.Engine.Imaging;

/// <summary>JPEG (ITU-T T.81): the segments up to the frame header, EXIF in APP1, and what <see cref="JpegScans"/> finds behind them.</summary>
internal static class JpegHeaderReader
{
    private const byte QuantizationTables = 0xDB;
    private const byte App0 = 0xE0;
    private const byte App1 = 0xE1;
    private const byte App2 = 0xE2;
    private const byte JfifMajorVersion = 1;
    private const byte JpegLsFrame = 0xF7;
    private const ushort NumberOfImagesTag = 0xB001;

    /// <param name="data">Begins with FF D8.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        var segments = new JpegSegments(data, 2);
        int orientation = 1;
        int pictures = 1;
        int? quality = null;
        string? software = null;
        var tables = new JpegTableFacts();
        List<BytePatch>? patches = null;
        while (segments.TryNext(out byte marker, out int start, out var content))
        {
            if (marker is JpegSegments.StartOfScan or JpegSegments.EndOfImage)
            {
                return SniffResult.Invalid("The JPEG is damaged: it has no frame header before its data.");
            }

            if (JpegFrame.IsFrame(marker))
            {
                var result = ReadFrame(marker, content, orientation);
                if (result.Failure is not null)
                {
                    return result;
                }

                var (kind, exact) = tables.Judge(data, content);
                var header = result.Header with { Frames = pictures, JpegQuality = quality, JpegTables = kind, JpegTableQuality = exact, Software = software };
                return ReadScans(data, segments, content, marker, header, patches);
            }

            switch (marker)
            {
                case QuantizationTables:
                    quality = JpegQuality.Read(content) ?? quality;
                    tables.Add(start, content);
                    break;
                case JpegLsFrame:
                    return SniffResult.Unsupported("JPEG-LS");
                case App0 when content.StartsWith("JFIF\0"u8) && content.Length >= 7 && content[5] != JfifMajorVersion:
                    (patches ??= []).Add(new BytePatch(start + 5, JfifMajorVersion));
                    break;
                case App1 when content.StartsWith("Exif\0\0"u8):
                    orientation = TiffDirectory.OrientationOfExif(content[6..]);
                    software ??= TiffDirectory.SoftwareOfExif(content[6..]);
                    break;
                case App2 when content.StartsWith("MPF\0"u8):
                    pictures = Math.Max(pictures, CountPictures(content[4..]));
                    break;
            }
        }

        return segments.Stray is { } stray
            ? SniffResult.Invalid($"The JPEG is damaged: no segment begins at byte {stray}.")
            : SniffResult.Invalid("The JPEG is truncated: it ends before its frame header.");
    }

    /// <summary>Of CIPA DC-007 (multi-picture format), whose index is a TIFF directory.</summary>
    private static int CountPictures(ReadOnlySpan<byte> index) =>
        TiffDirectory.TryReadHeader(index, out var file, out uint first) && TiffDirectory.TryRead(file, first, out var directory)
            && directory.TryGet(NumberOfImagesTag, out uint count)
            ? (int)Math.Clamp(count, 1, ushort.MaxValue)
            : 1;

    private static SniffResult ReadFrame(byte marker, ReadOnlySpan<byte> frame, int orientation)
    {
        if (frame.Length < 6)
        {
            return SniffResult.Invalid("The JPEG is truncated: it ends inside its frame header.");
        }

        int coding = marker - 0xC0;
        if (coding is 3 or 11)
        {
            return SniffResult.Unsupported("Lossless JPEG", "save it as PNG or TIFF");
        }

        // Hierarchical coding (SOF5 to SOF7, SOF13 to SOF15) exists on paper only.
        if (coding is >= 5 and <= 7 or >= 13)
        {
            return SniffResult.Unsupported($"JPEG with the hierarchical coding process SOF{coding}", "save it as baseline or progressive JPEG");
        }

        if (frame[0] != 8)
        {
            return SniffResult.Unsupported($"JPEG with {frame[0]} bits per sample", "save it with 8 bits per sample, or as PNG or TIFF with 16");
        }

        int height = (frame[1] << 8) | frame[2];
        int width = (frame[3] << 8) | frame[4];
        if (width == 0 || height == 0)
        {
            return SniffResult.Invalid($"The JPEG is damaged: its frame header gives a size of {width}x{height} pixels.");
        }

        int components = frame[5];
        if (components is not (1 or 3 or 4))
        {
            return SniffResult.Unsupported($"JPEG with {components} components", "save it as grey, colour or CMYK");
        }

        return new ImageHeader(ImageKind.Jpeg, width, height)
        {
            Color = components switch { 1 => ColorModel.Gray, 3 => ColorModel.YCbCr, _ => ColorModel.Cmyk },
            Orientation = orientation,
        };
    }

    private static ImageHeader ReadScans(
        ReadOnlySpan<byte> data, JpegSegments segments, ReadOnlySpan<byte> frameHeader, byte marker, ImageHeader header, List<BytePatch>? patches)
    {
        if (!JpegFrame.TryRead(marker, frameHeader, out var frame))
        {
            return header with { Damage = "its frame header is damaged" };
        }

        var scans = new JpegScans(frame);
        scans.Read(ref segments, ref patches);
        int behind = scans.End is { } end ? CountPicturesBehind(data, end) : 0;
        return header with
        {
            Scans = Math.Max(1, scans.Count),
            CodedSamples = scans.Samples,
            Damage = scans.Damage,
            Patches = patches,
            Frames = Math.Max(header.Frames, 1 + behind),
        };
    }

    /// <summary>Pictures that follow one another without an index, as some cameras write them. Their data are not read.</summary>
    private static int CountPicturesBehind(ReadOnlySpan<byte> data, int end)
    {
        int padding = data[end..].IndexOfAnyExcept((byte)0);
        return padding >= 0 && data[(end + padding)..].StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? 1 : 0;
    }
}
