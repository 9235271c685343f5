namespace LoupeGrpc.Engine.Imaging;

/// <summary>TIFF 6.0 of both byte orders: the first page's tags, and how many pages there are.</summary>
internal static class TiffHeaderReader
{
    public const ushort ExtraSamplesTag = 338;

    // Above it the number no longer matters to anybody, and the chain may be a trap.
    private const int MostPages = 4096;

    private const ushort WidthTag = 256;
    private const ushort HeightTag = 257;
    private const ushort BitsTag = 258;
    private const ushort PhotometricTag = 262;
    private const ushort SamplesTag = 277;
    private const ushort SampleFormatTag = 339;

    /// <param name="data">Begins with a TIFF signature.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        if (!TiffDirectory.TryReadHeader(data, out var file, out uint first) || !TiffDirectory.TryRead(file, first, out var page))
        {
            return SniffResult.Invalid("The TIFF is truncated or damaged: its first directory is not inside its bytes.");
        }

        if (!page.TryGet(WidthTag, out uint width) || !page.TryGet(HeightTag, out uint height) || width == 0 || height == 0)
        {
            return SniffResult.Invalid("The TIFF is damaged: its first page has no width or no height.");
        }

        uint bits = page.TryGet(BitsTag, out uint stated) ? stated : 1;
        uint samples = page.TryGet(SamplesTag, out uint count) ? count : 1;
        uint format = page.TryGet(SampleFormatTag, out uint kind) ? kind : 1;
        if (!page.TryGet(PhotometricTag, out uint photometric))
        {
            return SniffResult.Invalid("The TIFF is damaged: its first page does not say what its samples mean (PhotometricInterpretation).");
        }

        if (format is 2 or 3)
        {
            return SniffResult.Unsupported(format == 2 ? "TIFF with signed samples" : "TIFF with floating-point samples");
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
            return SniffResult.Unsupported($"TIFF with photometric interpretation {photometric}");
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
            return SniffResult.Unsupported($"{color} TIFF with {bits} bits a sample");
        }

        uint colors = color switch { ColorModel.Gray or ColorModel.Palette => 1, ColorModel.Cmyk => 4, _ => 3 };
        if (samples < colors || samples > 4)
        {
            return SniffResult.Unsupported($"{color} TIFF with {samples} samples a pixel");
        }

        return new ImageHeader(ImageKind.Tiff, width, height)
        {
            Frames = CountPages(file, page.Next, first),
            BitDepth = (int)bits,
            Color = color.Value,
            HasAlpha = samples > colors,
            Orientation = page.Orientation,
            MinIsWhite = photometric == 0,
        };
    }

    private static int CountPages(ByteView file, uint next, uint first)
    {
        int pages = 1;
        var seen = new HashSet<uint> { first };
        while (next != 0 && pages < MostPages && seen.Add(next) && TiffDirectory.TryRead(file, next, out var page))
        {
            pages++;
            next = page.Next;
        }

        return pages;
    }
}
