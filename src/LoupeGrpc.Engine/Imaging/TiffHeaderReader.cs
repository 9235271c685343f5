namespace LoupeGrpc.Engine.Imaging;

/// <summary>TIFF 6.0 of both byte orders: the tags of the page that is the picture, and how many pages there are.</summary>
internal static class TiffHeaderReader
{
    public const ushort ExtraSamplesTag = 338;

    private const string PlainSamples = "save it with 8 or 16 bits per sample";

    private const ushort WidthTag = 256;
    private const ushort HeightTag = 257;
    private const ushort BitsTag = 258;
    private const ushort CompressionTag = 259;
    private const ushort PhotometricTag = 262;
    private const ushort SamplesTag = 277;
    private const ushort SampleFormatTag = 339;

    /// <param name="data">Begins with a TIFF signature.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        if (!TiffDirectory.TryReadHeader(data, out var file, out uint first) || !TiffDirectory.TryRead(file, first, out var page))
        {
            return SniffResult.Invalid("The TIFF is truncated or damaged: its first directory cannot be read.");
        }

        var pages = TiffPages.Read(file, first);
        if (!pages.FirstIsReduced && !pages.HasLargerBelow)
        {
            return pages.HasSensorData ? CameraRaw.Refuse(CameraRaw.NameOf(page), SizeOf(page)) : ReadPage(data, page, pages.Count, page.Orientation);
        }

        string? preview = SizeOf(page);
        if (pages.HasSensorData)
        {
            return CameraRaw.Refuse(CameraRaw.NameOf(page), preview);
        }

        if (pages.Full == 0 || !TiffDirectory.TryRead(file, pages.Full, out var full))
        {
            return SniffResult.Unsupported(
                $"TIFF that holds nothing but a preview ({preview} pixels)", "send the full picture");
        }

        var result = ReadPage(data, full, pages.Count, full.OrientationOr(page.Orientation));
        return result.Failure is null
            ? result.Header with { Directory = pages.Full, Preview = preview }
            : new FrameFailure(result.Failure.Kind, $"{result.Failure.Message} Its preview of {preview} pixels is not judged in its place.");
    }

    private static string? SizeOf(TiffDirectory page) =>
        page.TryGet(WidthTag, out uint width) && page.TryGet(HeightTag, out uint height) ? $"{width}x{height}" : null;

    private static SniffResult ReadPage(ReadOnlySpan<byte> data, TiffDirectory page, int pages, int orientation)
    {
        if (!page.TryGet(WidthTag, out uint width) || !page.TryGet(HeightTag, out uint height) || width == 0 || height == 0)
        {
            return SniffResult.Invalid("The TIFF is damaged: its first page has no width or no height.");
        }

        uint bits = page.ValueOr(BitsTag, 1);
        uint samples = page.ValueOr(SamplesTag, 1);
        uint format = page.ValueOr(SampleFormatTag, 1);
        uint compression = page.ValueOr(CompressionTag, TiffCompression.None);
        if (page.Contains(CompressionTag) && !page.TryGet(CompressionTag, out _))
        {
            return SniffResult.Invalid("The TIFF is damaged: how it is compressed cannot be read.");
        }

        if (!TiffCompression.IsDecoded(compression))
        {
            return SniffResult.Unsupported($"TIFF compressed with {TiffCompression.NameOf(compression)}", "save it with LZW, Deflate or no compression");
        }

        if (!page.TryGet(PhotometricTag, out uint photometric))
        {
            return SniffResult.Invalid("The TIFF is damaged: its first page does not say what its samples mean (PhotometricInterpretation).");
        }

        if (format is 2 or 3)
        {
            return SniffResult.Unsupported(format == 2 ? "TIFF with signed samples" : "TIFF with floating-point samples", PlainSamples);
        }

        ColorModel? color = photometric switch
        {
            0 or 1 => ColorModel.Gray,
            2 => ColorModel.Rgb,
            3 => ColorModel.Palette,
            5 => ColorModel.Cmyk,
            6 => ColorModel.YCbCr,
            _ => null,
        };
        if (color is null)
        {
            return SniffResult.Unsupported($"TIFF with photometric interpretation {photometric}", "save it as grey, RGB or CMYK");
        }

        bool fits = color switch
        {
            ColorModel.Gray => bits is 1 or 8 or 16,
            ColorModel.Palette => bits is 1 or 4 or 8,
            ColorModel.Rgb => bits is 8 or 16,
            _ => bits is 8,
        };
        if (!fits)
        {
            return SniffResult.Unsupported($"{color} TIFF with {bits} bits per sample", PlainSamples);
        }

        uint colors = color switch { ColorModel.Gray or ColorModel.Palette => 1, ColorModel.Cmyk => 4, _ => 3 };
        if (samples < colors || samples > 4)
        {
            return SniffResult.Unsupported($"{color} TIFF with {samples} samples per pixel", "save it as grey, RGB or CMYK");
        }

        var header = new ImageHeader(ImageKind.Tiff, width, height)
        {
            Frames = Math.Max(1, pages),
            BitDepth = (int)bits,
            Color = color.Value,
            HasAlpha = samples > colors,
            Orientation = orientation,
            Software = page.Software,
            MinIsWhite = photometric == 0,
        };

        // Larger ones are refused for their size.
        return width > EngineLimits.LargestSide || height > EngineLimits.LargestSide
            ? header
            : TiffTiling.Measure(data, page, header, compression, samples);
    }
}
