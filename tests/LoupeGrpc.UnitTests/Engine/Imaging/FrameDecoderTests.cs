using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>What every codec must do; the classes below say which.</summary>
public abstract class FrameDecoderTests : IDisposable
{
    private readonly FrameDecoder _decoder;

    private protected FrameDecoderTests(IPictureCodec codec)
    {
        OpenCv.Initialize();
        _decoder = new FrameDecoder(codec, DamagedPictures.Uncertain);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        GC.SuppressFinalize(this);
    }

    public static TheoryData<string> GoldenFiles => [.. Golden().Select(static entry => entry.GetProperty("file").GetString()!)];

    [Theory]
    [MemberData(nameof(GoldenFiles))]
    public void Decodes_the_reference_files_to_the_same_pixels(string file)
    {
        var expected = Golden().Single(entry => entry.GetProperty("file").GetString() == file);
        byte[] rgb = DecodeRgb(File.ReadAllBytes(TestData.Golden("preprocess", file)));

        switch (expected.GetProperty("mode").GetString())
        {
            case "CMYK":
                // Each decoder multiplies in its own way.
                var means = expected.GetProperty("rgb_mean");
                for (int channel = 0; channel < 3; channel++)
                {
                    Assert.Equal(means[channel].GetDouble(), Mean(rgb, channel), 1.5);
                }

                break;
            case "I;16":
                // The reference clips where we take the high byte; the same picture in 8 bits is among the files.
                Assert.Equal(DecodeRgb(File.ReadAllBytes(TestData.Golden("preprocess", "gray-320x240.png"))), rgb);
                break;
            default:
                Assert.Equal(expected.GetProperty("rgb_crc32").GetUInt32(), Crc32.HashToUInt32(rgb));
                break;
        }
    }

    [Theory]
    [InlineData(".png")]
    [InlineData(".tiff")]
    public void Sixteen_bits_become_their_high_byte(string extension)
    {
        using var deep = new Mat(1, 2, MatType.CV_16UC3);
        deep.Set(0, 0, new Vec3w(0x7FFF, 0x7F80, 0xFFFE));
        deep.Set(0, 1, new Vec3w(0x00FF, 0x0100, 0x8000));

        byte[] rgb = DecodeRgb(PictureFiles.Encode(extension, deep));

        Assert.Equal([0xFF, 0x7F, 0x7F, 0x80, 0x01, 0x00], rgb);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sixteen_bit_gray_tiff_becomes_its_high_byte_in_both_meanings_of_zero(bool minIsWhite)
    {
        byte[] tiff = PictureFiles.Tiff(2, 1, 16, 1, minIsWhite ? 0 : 1, [0x12, 0xFF, 0xFE, 0x01], bigEndian: true);
        byte[] expected = minIsWhite ? [0xED, 0xED, 0xED, 0x01, 0x01, 0x01] : [0x12, 0x12, 0x12, 0xFE, 0xFE, 0xFE];

        Assert.Equal(expected, DecodeRgb(tiff));
    }

    [Theory]
    [InlineData(".png")]
    [InlineData(".bmp")]
    public void Alpha_is_left_out_without_blending(string extension)
    {
        using var picture = new Mat(1, 2, MatType.CV_8UC4);
        picture.Set(0, 0, new Vec4b(50, 100, 200, 128));
        picture.Set(0, 1, new Vec4b(30, 20, 10, 0));

        Assert.Equal([200, 100, 50, 10, 20, 30], DecodeRgb(PictureFiles.Encode(extension, picture)));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void Alpha_of_tiff_is_left_out_without_blending_whatever_its_kind(int extraSample, bool bigEndian)
    {
        byte[] tiff = PictureFiles.Tiff(2, 1, 8, 4, 2, [200, 100, 50, 128, 10, 20, 30, 0], bigEndian, extraSample: extraSample);

        Assert.Equal([200, 100, 50, 10, 20, 30], DecodeRgb(tiff));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Tiff_stays_in_stored_orientation(int orientation)
    {
        byte[] samples = [.. Enumerable.Range(1, 18).Select(static value => (byte)value)];

        Assert.Equal(samples, DecodeRgb(PictureFiles.Tiff(3, 2, 8, 3, 2, samples, orientation: orientation)));
        byte[] deep = [.. samples.SelectMany(static value => new byte[] { 0, value })];
        Assert.Equal(samples, DecodeRgb(PictureFiles.Tiff(3, 2, 16, 3, 2, deep, orientation: orientation)));
    }

    [Fact]
    public void Animated_png_shows_its_still_picture()
    {
        using var first = new Mat(2, 3, MatType.CV_16UC3, new Scalar(0x10FF, 0x20FF, 0x30FF));
        using var second = new Mat(2, 3, MatType.CV_16UC3, new Scalar(0xFFFF, 0, 0));
        byte[] png = PictureFiles.AnimatedPng(PictureFiles.Encode(".png", first), PictureFiles.Encode(".png", second));

        Assert.Equal(2, ImageSniffer.Sniff(png).Header.Frames);
        Assert.Equal([.. Enumerable.Repeat<byte[]>([0x30, 0x20, 0x10], 6).SelectMany(static pixel => pixel)], DecodeRgb(png));
    }

    [Fact]
    public void Animated_webp_shows_its_first_frame()
    {
        var lossless = new ImageEncodingParam(ImwriteFlags.WebPQuality, 101);
        using var first = new Mat(2, 2, MatType.CV_8UC3, new Scalar(1, 2, 3));
        using var second = new Mat(2, 2, MatType.CV_8UC3, new Scalar(7, 8, 9));
        byte[] webp = PictureFiles.AnimatedWebP(
            2, 2, PictureFiles.Encode(".webp", first, lossless), PictureFiles.Encode(".webp", second, lossless));

        Assert.Equal(2, ImageSniffer.Sniff(webp).Header.Frames);
        Assert.Equal([3, 2, 1, 3, 2, 1, 3, 2, 1, 3, 2, 1], DecodeRgb(webp));
    }

    [Fact]
    public void Metadata_of_png_changes_nothing()
    {
        byte[] png = File.ReadAllBytes(TestData.Golden("preprocess", "rgb-53x37.png"));
        byte[] annotated = PictureFiles.WithPngChunks(
            png,
            PictureFiles.PngChunk("gAMA", 0, 0, 0x20, 0),
            PictureFiles.PngChunk("iCCP", 1, 2, 3),
            PictureFiles.PngChunk("tEXt", [.. "key\0text"u8]));

        Assert.Equal(DecodeRgb(png), DecodeRgb(annotated));
    }

    [Theory]
    [InlineData("420-321x241.jpg")]
    [InlineData("progressive-320x240.jpg")]
    [InlineData("rgb-640x480.png")]
    [InlineData("lossy-320x240.webp")]
    [InlineData("lossless-320x240.webp")]
    [InlineData("rgb-320x240.bmp")]
    [InlineData("rgb-320x240.tiff")]
    public void Truncated_pictures_are_invalid(string file)
    {
        byte[] whole = File.ReadAllBytes(TestData.Golden("preprocess", file));
        foreach (int missing in new[] { 2, 20, whole.Length / 2 })
        {
            byte[] part = whole[..^missing];
            var sniffed = ImageSniffer.Sniff(part);
            var failure = sniffed.Failure ?? Decode(part, sniffed.Header);

            Assert.True(failure is { Kind: FailureKind.Invalid }, $"{file} without its last {missing} bytes: {failure}");
            Assert.Contains("truncated", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_changed_byte_in_png_is_found_by_its_checksum()
    {
        byte[] png = File.ReadAllBytes(TestData.Golden("preprocess", "rgb-640x480.png"));
        png[png.Length / 2] ^= 1;

        var failure = Decode(png, ImageSniffer.Sniff(png).Header);

        Assert.Equal("The PNG cannot be decoded: the checksum of its IDAT chunk is wrong.", failure?.Message);
    }

    [Theory]
    [InlineData("420-321x241.jpg")]
    [InlineData("rgb-53x37.png")]
    [InlineData("lossy-320x240.webp")]
    [InlineData("lossless-320x240.webp")]
    [InlineData("rgb-320x240.bmp")]
    [InlineData("rgb-320x240.tiff")]
    public void Damaged_pictures_are_decoded_or_invalid_and_never_throw(string file)
    {
        byte[] whole = File.ReadAllBytes(TestData.Golden("preprocess", file));
        var random = new Random(11);
        for (int round = 0; round < 40; round++)
        {
            byte[] damaged = (byte[])whole.Clone();
            for (int i = 0; i < 4; i++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            // Sizes stay small: what the limits refuse never comes this far.
            var sniffed = ImageSniffer.Sniff(damaged);
            if (sniffed.Failure is null && sniffed.Header.Width * sniffed.Header.Height <= 1_000_000)
            {
                var failure = _decoder.Decode(damaged, sniffed.Header, Unwatched.Instance, out var picture, out _);
                using (picture)
                {
                    Assert.True(failure is { Kind: FailureKind.Invalid } || picture?.Type() == MatType.CV_8UC3);
                }
            }
        }
    }

    [Fact]
    public void A_missing_native_library_names_the_package_to_install()
    {
        var exception = Assert.Throws<ModelLoadException>(static () => OpenCv.Initialize(
            static () => throw new TypeInitializationException("NativeMethods", new DllNotFoundException("libgtk-3.so.0: cannot open shared object file"))));

        Assert.Contains("libgtk-3-0", exception.Message, StringComparison.Ordinal);
        Assert.Contains("cannot open shared object file", exception.Message, StringComparison.Ordinal);
    }

    private static JsonElement.ArrayEnumerator Golden() =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Golden("preprocess", "index.json"))).RootElement.EnumerateArray();

    private FrameFailure? Decode(byte[] file, ImageHeader header) => _decoder.Decode(file, header, Unwatched.Instance, out _, out _);

    private byte[] DecodeRgb(byte[] file)
    {
        var sniffed = ImageSniffer.Sniff(file);
        Assert.Null(sniffed.Failure);
        Assert.Null(_decoder.Decode(file, sniffed.Header, Unwatched.Instance, out var picture, out string? damage));
        Assert.Null(damage);
        using (picture)
        {
            using var rgb = new Mat();
            Cv2.CvtColor(picture!, rgb, ColorConversionCodes.BGR2RGB);
            return MemoryMarshal.AsBytes(rgb.AsSpan<Vec3b>()).ToArray();
        }
    }

    private static double Mean(byte[] rgb, int channel) => rgb.Where((_, index) => index % 3 == channel).Average(static value => (double)value);
}

public sealed class LocalFrameDecoderTests() : FrameDecoderTests(new LocalCodec());

public sealed class WorkerFrameDecoderTests() : FrameDecoderTests(Codecs.CreateWorker());
