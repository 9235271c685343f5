using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

public sealed class ImageSnifferTests
{
    [Theory]
    [InlineData("rgb-1920x1080.jpg", "Jpeg", 1920, 1080, 8, "YCbCr")]
    [InlineData("progressive-320x240.jpg", "Jpeg", 320, 240, 8, "YCbCr")]
    [InlineData("gray-320x240.jpg", "Jpeg", 320, 240, 8, "Gray")]
    [InlineData("cmyk-320x240.jpg", "Jpeg", 320, 240, 8, "Cmyk")]
    [InlineData("rgb-3x2.png", "Png", 3, 2, 8, "Rgb")]
    [InlineData("gray16-320x240.png", "Png", 320, 240, 16, "Gray")]
    [InlineData("onebit-320x240.png", "Png", 320, 240, 1, "Gray")]
    [InlineData("palette-320x240.png", "Png", 320, 240, 8, "Palette")]
    [InlineData("lossy-320x240.webp", "WebP", 320, 240, 8, "YCbCr")]
    [InlineData("lossless-320x240.webp", "WebP", 320, 240, 8, "Rgb")]
    [InlineData("rgb-320x240.bmp", "Bmp", 320, 240, 8, "Rgb")]
    [InlineData("rgb-320x240.tiff", "Tiff", 320, 240, 8, "Rgb")]
    public void Reads_the_headers_of_real_files(string file, string kind, int width, int height, int bitDepth, string color)
    {
        var header = Header(File.ReadAllBytes(TestData.Golden("preprocess", file)));

        Assert.Equal(kind, header.Kind.ToString());
        Assert.Equal((width, height), (header.Width, header.Height));
        Assert.Equal(bitDepth, header.BitDepth);
        Assert.Equal(color, header.Color.ToString());
        Assert.False(header.HasAlpha);
        Assert.Equal(1, header.Frames);
        Assert.Equal(1, header.Orientation);
        Assert.Null(header.Defect);
    }

    [Fact]
    public void Finds_alpha_in_png() => Assert.True(Header(File.ReadAllBytes(TestData.Golden("preprocess", "rgba-320x240.png"))).HasAlpha);

    [Fact]
    public void Finds_the_orientation_in_jpeg()
    {
        Assert.Equal(6, Header(File.ReadAllBytes(TestData.Golden("preprocess", "exif-rotate6-320x240.jpg"))).Orientation);
        Assert.Equal(3, Header(PictureFiles.JpegHeader(5, 4, before: PictureFiles.JpegExif(3))).Orientation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void An_orientation_that_does_not_exist_is_upright(byte orientation) =>
        Assert.Equal(1, Header(PictureFiles.JpegHeader(5, 4, before: PictureFiles.JpegExif(orientation))).Orientation);

    [Fact]
    public void Skips_fill_bytes_and_other_segments_of_jpeg()
    {
        byte[] before = [0xFF, 0xFE, 0, 4, 1, 2, 0xFF, 0xFF];
        Assert.Equal(70, Header(PictureFiles.JpegHeader(70, 50, before: before)).Width);
    }

    [Fact]
    public void Finds_animation_transparency_and_orientation_in_png()
    {
        byte[] png =
        [
            .. PictureFiles.PngHeader(7, 9),
            .. PictureFiles.PngChunk("acTL", 0, 0, 0, 12, 0, 0, 0, 0),
            .. PictureFiles.PngChunk("tRNS", 0, 0, 0, 0, 0, 0),
            .. PictureFiles.PngChunk("IDAT"),
            .. PictureFiles.PngChunk("eXIf", PictureFiles.Exif(8)),
            .. PictureFiles.PngChunk("IEND"),
        ];

        var header = Header(png);

        Assert.Equal((12, true, 8), (header.Frames, header.HasAlpha, header.Orientation));
        Assert.Null(header.Defect);
    }

    [Fact]
    public void Finds_animation_alpha_and_orientation_in_webp()
    {
        byte[] webp = PictureFiles.WebP(
            PictureFiles.WebPCanvas(16_384, 300, flags: 0x12),
            PictureFiles.WebPChunk("ANMF", new byte[17]),
            PictureFiles.WebPChunk("ANMF", new byte[16]),
            PictureFiles.WebPChunk("EXIF", PictureFiles.Exif(5)));

        var header = Header(webp);

        Assert.Equal((16_384, 300), (header.Width, header.Height));
        Assert.Equal((2, true, 5), (header.Frames, header.HasAlpha, header.Orientation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reads_tiff_of_both_byte_orders_with_pages(bool bigEndian)
    {
        var header = Header(PictureFiles.Tiff(2, 1, 16, 4, 2, new byte[16], bigEndian, orientation: 6, extraSample: 2, pages: 3));

        Assert.Equal((2, 1, 16), (header.Width, header.Height, header.BitDepth));
        Assert.Equal((3, true, 6), (header.Frames, header.HasAlpha, header.Orientation));
    }

    [Fact]
    public void A_chain_of_tiff_pages_that_bites_its_tail_ends()
    {
        byte[] tiff = PictureFiles.Tiff(1, 1, 8, 1, 1, [0, 0], pages: 2);
        int directory = BitConverter.ToInt32(tiff, 4);
        BitConverter.GetBytes(directory).CopyTo(tiff, tiff.Length - 4);

        Assert.Equal(2, Header(tiff).Frames);
    }

    [Fact]
    public void A_bitmap_from_the_top_has_a_positive_height() => Assert.Equal((4, 6), (Header(Bmp(4, -6)).Width, Header(Bmp(4, -6)).Height));

    [Theory]
    [InlineData("GIF89a", "GIF")]
    [InlineData("\0\0\0\u0018ftypavif\0\0\0\0", "AVIF")]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0", "HEIF")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1avif", "AVIF")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1heic", "HEIC")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1miaf", "HEIF")]
    [InlineData("\0\0\0\u000cJXL \r\n", "JPEG XL")]
    [InlineData("II\u00bc\u0001", "JPEG XR")]
    [InlineData("8BPS\0\u0002", "PSB")]
    [InlineData("\u00ef\u00bb\u00bf\n <svg", "SVG")]
    [InlineData("<!DOCTYPE html>", "HTML")]
    [InlineData("gimp xcf file", "XCF")]
    [InlineData("%!PS-Adobe", "PostScript")]
    [InlineData("\0\0\0\u0018ftypmp42\0\0\0\0", "MP4")]
    [InlineData("\0\0\0\u000cjP  \r\n", "JPEG 2000")]
    [InlineData("%PDF-1.7", "PDF")]
    [InlineData("RIFF\0\0\0\0AVI ", "AVI")]
    [InlineData("8BPS", "PSD")]
    [InlineData("PK\u0003\u0004", "ZIP")]
    [InlineData("P6\n4 4\n", "Netpbm")]
    [InlineData("II+\0", "BigTIFF")]
    [InlineData("<svg xmlns", "SVG")]
    public void Other_kinds_are_unsupported_by_name(string begin, string name)
    {
        var failure = Failure([.. begin.Select(static c => (byte)c), .. new byte[32]]);

        Assert.Equal(FailureKind.Unsupported, failure.Kind);
        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
        Assert.Contains("is not supported; convert it to JPEG, PNG, WebP, BMP or TIFF.", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("II*\0\u0010\0\0\0CR\u0002", "Canon raw (CR2)")]
    [InlineData("\0\0\0\u0018ftypcrx ", "Canon raw (CR3)")]
    [InlineData("II\u001a\0\0\0HEAPCCDR", "Canon raw (CRW)")]
    [InlineData("FUJIFILMCCD-RAW 0201", "Fujifilm raw (RAF)")]
    [InlineData("IIRO\u0008", "Olympus raw (ORF)")]
    [InlineData("IIU\0\u0018", "Panasonic raw (RW2)")]
    [InlineData("II*\0\0\0\0\0IIII", "Phase One raw (IIQ)")]
    public void Raw_files_of_cameras_are_unsupported_with_what_to_do(string begin, string name)
    {
        var failure = Failure([.. begin.Select(static c => (byte)c), .. new byte[32]]);

        Assert.Equal(new FrameFailure(FailureKind.Unsupported, $"{name} is not supported; develop it to JPEG, PNG or TIFF first."), failure);
    }

    [Theory]
    [InlineData("tiff-zstd.tif", "zstd")]
    [InlineData("tiff-webp.tif", "WebP")]
    public void Tiffs_whose_compression_is_not_decoded_are_unsupported_by_its_name(string file, string name) => Assert.Equal(
        new FrameFailure(FailureKind.Unsupported, $"TIFF compressed with {name} is not supported; save it with LZW, Deflate or no compression."),
        Failure(Faults.Read(file)));

    [Theory]
    [InlineData(34887, "LERC")]
    [InlineData(50002, "JPEG XL")]
    [InlineData(52546, "JPEG XL")]
    [InlineData(34661, "JBIG")]
    [InlineData(34712, "JPEG 2000")]
    [InlineData(9999, "compression 9999")]
    public void Other_compressions_of_tiff_are_too(int compression, string name)
    {
        byte[] tiff = Faults.Read("tiff-zstd.tif");
        int at = tiff.AsSpan().IndexOf((ReadOnlySpan<byte>)[3, 1, 3, 0, 1, 0, 0, 0]);
        BitConverter.GetBytes((ushort)compression).CopyTo(tiff, at + 8);

        Assert.Contains($"TIFF compressed with {name} is not supported", Unsupported(tiff), StringComparison.Ordinal);
    }

    [Fact]
    public void Variants_that_are_not_decoded_are_unsupported_by_name()
    {
        Assert.Equal("Lossless JPEG is not supported; save it as PNG or TIFF.", Unsupported(PictureFiles.JpegHeader(8, 8, startOfFrame: 0xC3)));
        Assert.Contains("Lossless", Unsupported(PictureFiles.JpegHeader(8, 8, startOfFrame: 0xCB, precision: 16)), StringComparison.Ordinal);
        Assert.Contains("12 bits", Unsupported(PictureFiles.JpegHeader(8, 8, startOfFrame: 0xC1, precision: 12)), StringComparison.Ordinal);
        Assert.Contains("SOF5", Unsupported(PictureFiles.JpegHeader(8, 8, startOfFrame: 0xC5)), StringComparison.Ordinal);
        Assert.Contains("JPEG-LS", Unsupported([0xFF, 0xD8, 0xFF, 0xF7, 0, 11, .. new byte[9]]), StringComparison.Ordinal);
        Assert.Contains("2 components", Unsupported(PictureFiles.JpegHeader(8, 8, components: 2)), StringComparison.Ordinal);
        Assert.Contains("floating-point", Unsupported(PictureFiles.Tiff(1, 1, 32, 1, 1, new byte[4], sampleFormat: 3)), StringComparison.Ordinal);
        Assert.Contains("signed", Unsupported(PictureFiles.Tiff(1, 1, 8, 1, 1, new byte[2], sampleFormat: 2)), StringComparison.Ordinal);
        Assert.Contains("interpretation 8", Unsupported(PictureFiles.Tiff(1, 1, 8, 3, 8, new byte[4])), StringComparison.Ordinal);
        Assert.Contains("4 bits", Unsupported(PictureFiles.Tiff(2, 1, 4, 1, 1, new byte[2])), StringComparison.Ordinal);
        Assert.Contains("wraps", Unsupported(PictureFiles.BmpHeader(4, 4, compression: 5)), StringComparison.Ordinal);
        Assert.Contains("CgBI", Unsupported([.. PictureFiles.PngHeader(1, 1)[..8], .. PictureFiles.PngChunk("CgBI", 0, 0, 0, 0)]), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_picture_is_invalid()
    {
        Assert.Contains("empty", Invalid([]), StringComparison.Ordinal);
        Assert.Contains("12 bytes are not a picture", Invalid("Hello world!"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("0x4", Invalid(PictureFiles.JpegHeader(0, 4)), StringComparison.Ordinal);
        Assert.Contains("0x4", Invalid([.. PictureFiles.PngHeader(0, 4), .. PictureFiles.PngChunk("IEND")]), StringComparison.Ordinal);
        Assert.Contains("colour type 3 with 16 bits", Invalid(PictureFiles.PngHeader(4, 4, depth: 16, colorType: 3)), StringComparison.Ordinal);
        Assert.Contains("not VP8, VP8L or VP8X", Invalid(PictureFiles.WebP(PictureFiles.WebPChunk("JUNK", new byte[10]))), StringComparison.Ordinal);
        Assert.Contains("-3x4", Invalid(PictureFiles.BmpHeader(-3, 4)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_without_its_data_is_a_picture_with_a_defect()
    {
        Assert.Contains("truncated", Header([.. PictureFiles.PngHeader(20_000, 20_000), .. PictureFiles.PngChunk("IDAT")]).Defect, StringComparison.Ordinal);
        Assert.Contains("no image data", Header([.. PictureFiles.PngHeader(4, 4), .. PictureFiles.PngChunk("IEND")]).Defect, StringComparison.Ordinal);
        Assert.Contains("only 54 of its 150 bytes", Header(PictureFiles.BmpHeader(4, 8)).Defect, StringComparison.Ordinal);
        byte[] webp = File.ReadAllBytes(TestData.Golden("preprocess", "lossy-320x240.webp"));
        Assert.Contains("truncated", Header(webp[..^8]).Defect, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("420-321x241.jpg")]
    [InlineData("exif-rotate6-320x240.jpg")]
    [InlineData("palette-320x240.png")]
    [InlineData("lossy-320x240.webp")]
    [InlineData("lossless-320x240.webp")]
    [InlineData("rgb-320x240.bmp")]
    [InlineData("rgb-320x240.tiff")]
    public void No_prefix_of_a_file_makes_it_read_outside(string file)
    {
        byte[] whole = File.ReadAllBytes(TestData.Golden("preprocess", file));
        for (int length = 0; length < Math.Min(whole.Length, 1000); length++)
        {
            // A copy of exactly this length: an access outside would throw.
            ImageSniffer.Sniff(whole.AsSpan(0, length).ToArray());
        }
    }

    [Theory]
    [InlineData("exif-rotate6-320x240.jpg")]
    [InlineData("palette-320x240.png")]
    [InlineData("lossy-320x240.webp")]
    [InlineData("rgb-320x240.bmp")]
    [InlineData("rgb-320x240.tiff")]
    public void No_damage_to_a_header_makes_it_throw(string file)
    {
        byte[] whole = File.ReadAllBytes(TestData.Golden("preprocess", file));
        var random = new Random(7);
        for (int round = 0; round < 5000; round++)
        {
            byte[] damaged = (byte[])whole.Clone();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                // Lengths and offsets are hurt most by extremes.
                int position = random.Next(4) == 0 ? random.Next(damaged.Length) : random.Next(Math.Min(damaged.Length, 200));
                damaged[position] = random.Next(3) switch { 0 => 0xFF, 1 => 0, _ => (byte)random.Next(256) };
            }

            var result = ImageSniffer.Sniff(damaged);
            if (result.Failure is null)
            {
                Assert.True(result.Header is { Width: >= 1, Height: >= 1, Frames: >= 1, Orientation: >= 1 and <= 8 });
            }
        }
    }

    private static byte[] Bmp(int width, int height) => [.. PictureFiles.BmpHeader(width, height), .. new byte[width * Math.Abs(height) * 4]];

    private static ImageHeader Header(byte[] file)
    {
        var result = ImageSniffer.Sniff(file);
        Assert.Null(result.Failure);
        return result.Header;
    }

    private static FrameFailure Failure(byte[] file)
    {
        var failure = ImageSniffer.Sniff(file).Failure;
        Assert.NotNull(failure);
        return failure;
    }

    private static string Unsupported(byte[] file)
    {
        var failure = Failure(file);
        Assert.Equal(FailureKind.Unsupported, failure.Kind);
        return failure.Message;
    }

    private static string Invalid(byte[] file)
    {
        var failure = Failure(file);
        Assert.Equal(FailureKind.Invalid, failure.Kind);
        return failure.Message;
    }
}
