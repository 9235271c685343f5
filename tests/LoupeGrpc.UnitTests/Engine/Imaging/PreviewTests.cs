using System.Runtime.InteropServices;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>The picture is judged, not its preview, and what else is in the file is said.</summary>
public sealed class PreviewTests
{
    private const int Reduced = 1;

    [Fact]
    public void The_full_picture_below_a_preview_is_taken()
    {
        byte[] tiff = Faults.Read("thumbnail-first.tif");

        var header = Header(tiff);

        Assert.Equal((320, 240, "64x48", 1), (header.Width, header.Height, header.Preview, header.Frames));
        // Its samples are the file's first.
        Assert.Equal(tiff[8..(8 + (320 * 240 * 3))], DecodeRgb(tiff, header));
    }

    [Fact]
    public void The_full_picture_behind_a_preview_in_the_chain_is_taken()
    {
        var file = new TiffFile();
        byte[] small = new byte[4 * 3 * 3];
        byte[] full = [.. Enumerable.Range(0, 12 * 9 * 3).Select(static i => (byte)i)];
        file.Add().Picture(4, 3, file.Data(small), (uint)small.Length).Longs(254, Reduced);
        file.Add().Picture(12, 9, file.Data(full), (uint)full.Length).Longs(254, 0).Shorts(274, 6);
        byte[] tiff = file.Build();

        var header = Header(tiff);

        Assert.Equal((12, 9, "4x3", 6), (header.Width, header.Height, header.Preview, header.Orientation));
        Assert.Equal(full, DecodeRgb(tiff, header));
    }

    [Fact]
    public void A_preview_alone_is_refused()
    {
        var file = new TiffFile();
        file.Add().Picture(4, 3, file.Data(new byte[36]), 36).Longs(254, Reduced);

        AssertUnsupported(
            "TIFF that holds nothing but a preview (4x3 pixels) is not supported; send the full picture.",
            file.Build());
    }

    [Fact]
    public void A_full_picture_that_cannot_be_decoded_is_refused_with_its_preview()
    {
        var file = new TiffFile();
        var full = new TiffFile.Page().Picture(12, 9, file.Data(new byte[100]), 100, compression: 50002).Longs(254, 0);
        file.Add(full).Picture(4, 3, file.Data(new byte[36]), 36).Longs(254, Reduced);

        AssertUnsupported(
            "TIFF compressed with JPEG XL is not supported; save it with LZW, Deflate or no compression. Its preview of 4x3 pixels is not judged in its place.",
            file.Build());
    }

    [Fact]
    public void A_pyramid_is_one_picture()
    {
        var file = new TiffFile();
        byte[] pixels = new byte[12 * 9 * 3];
        uint offset = file.Data(pixels);
        file.Add(new TiffFile.Page().Picture(6, 4, offset, 72).Longs(254, Reduced)).Picture(12, 9, offset, (uint)pixels.Length);
        file.Add().Picture(6, 4, offset, 72).Longs(254, Reduced);
        file.Add().Picture(12, 9, offset, 108, samples: 1, photometric: 1).Longs(254, 4);

        var header = Header(file.Build());

        Assert.Equal((12, 9, 1, null), (header.Width, header.Height, header.Frames, header.Preview));
    }

    [Fact]
    public void Raw_pictures_of_cameras_are_refused_by_name()
    {
        AssertUnsupported(
            "Raw picture of a camera (ACME) is not supported; develop it to JPEG, PNG or TIFF first. Its preview of 64x48 pixels is not judged in its place.",
            Faults.Read("raw-thumbnail.nef"));
    }

    [Theory]
    [InlineData("NIKON CORPORATION", 32803, false, "Nikon raw (NEF) is not")]
    [InlineData("SONY", 32803, false, "Sony raw (ARW) is not")]
    [InlineData("Hacker\u001b[31m", 32803, false, "Raw picture of a camera (Hacker?[31m) is not")]
    [InlineData("Google", 34892, true, "Raw picture (DNG) of Google is not")]
    public void Raw_pictures_are_named_by_their_maker(string maker, int photometric, bool dng, string message)
    {
        var file = new TiffFile();
        var sensor = new TiffFile.Page().Picture(320, 240, file.Data(new byte[8]), 8, samples: 1, photometric: (ushort)photometric, compression: 34713).Longs(254, 0);
        var page = file.Add(sensor).Picture(4, 3, file.Data(new byte[36]), 36).Longs(254, Reduced).Text(271, maker);
        if (dng)
        {
            page.Longs(50706, 0x0000_0401);
        }

        Assert.Contains(message, Unsupported(file.Build()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sensors_samples_in_the_first_directory_are_refused_too()
    {
        var file = new TiffFile();
        file.Add().Picture(320, 240, file.Data(new byte[8]), 8, samples: 1, photometric: 32803).Text(271, "PENTAX");

        Assert.Contains("Pentax raw (PEF)", Unsupported(file.Build()), StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_behind_the_first_of_a_jpeg_are_counted()
    {
        byte[] jpeg = File.ReadAllBytes(TestData.Golden("preprocess", "444-320x240.jpg"));

        Assert.Equal(2, Header(Faults.Read("mpo-two-pictures.jpg")).Frames);
        Assert.Equal(2, Header([.. jpeg, .. jpeg]).Frames);
        Assert.Equal(2, Header([.. jpeg, 0, 0, 0, .. jpeg]).Frames);
        Assert.Equal(1, Header([.. jpeg, .. "trailer of a camera"u8]).Frames);
        Assert.Equal(1, Header(jpeg).Frames);
    }

    [Fact]
    public void Every_prefix_of_a_directory_below_a_preview_is_read_inside()
    {
        byte[] tiff = Faults.Read("raw-thumbnail.nef");
        var random = new Random(5);
        for (int round = 0; round < 3000; round++)
        {
            // Directories are at the end of this file.
            byte[] damaged = tiff[(tiff.Length - 600)..];
            byte[] file = [.. tiff[..8], .. damaged];
            BitConverter.GetBytes(8 + random.Next(damaged.Length)).CopyTo(file, 4);
            file[random.Next(8, file.Length)] = (byte)random.Next(256);
            ImageSniffer.Sniff(file);
        }
    }

    private static ImageHeader Header(byte[] file)
    {
        var result = ImageSniffer.Sniff(file);
        Assert.Null(result.Failure);
        return result.Header;
    }

    private static string Unsupported(byte[] file)
    {
        var failure = ImageSniffer.Sniff(file).Failure;
        Assert.Equal(FailureKind.Unsupported, failure?.Kind);
        return failure!.Message;
    }

    private static void AssertUnsupported(string message, byte[] file) => Assert.Equal(message, Unsupported(file));

    private static byte[] DecodeRgb(byte[] file, ImageHeader header)
    {
        OpenCv.Initialize();
        using var decoder = new FrameDecoder(new LocalCodec(), DamagedPictures.Uncertain);
        Assert.Null(decoder.Decode(file, header, Unwatched.Instance, out var picture, out string? damage));
        Assert.Null(damage);
        using (picture)
        {
            using var rgb = new Mat();
            Cv2.CvtColor(picture!, rgb, ColorConversionCodes.BGR2RGB);
            return MemoryMarshal.AsBytes(rgb.AsSpan<Vec3b>()).ToArray();
        }
    }
}
