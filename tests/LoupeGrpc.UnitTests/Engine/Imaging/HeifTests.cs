using System.Runtime.InteropServices;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>HEIC and AVIF, where the system has libheif.</summary>
public sealed class HeifTests
{
    [Theory]
    [InlineData("a.heic", "Heic", 1)]
    [InlineData("a.avif", "Avif", 1)]
    [InlineData("thumb.heic", "Heic", 1)]
    [InlineData("two.heic", "Heic", 2)]
    public void The_boxes_tell_size_and_pictures(string file, string kind, int frames)
    {
        var header = ImageSniffer.Sniff(Read(file)).Header;

        Assert.Equal((kind, 96, 64, frames, 1, 8, false), (header.Kind.ToString(), header.Width, header.Height, header.Frames, header.Orientation, header.BitDepth, header.HasAlpha));
    }

    [Theory]
    [InlineData("a.heic")]
    [InlineData("a.avif")]
    [InlineData("thumb.heic")]
    public void Pixels_are_those_of_the_picture_that_was_encoded(string file)
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libheif.so.1", out _), "libheif1 is not installed");
        OpenCv.Initialize();
        using var decoder = new FrameDecoder(Codecs.CreateWorker(), DamagedPictures.Uncertain);
        using var expected = Cv2.ImDecode(Read("a.png"), ImreadModes.Color);

        // Twice: the library is loaded with the first.
        for (int i = 0; i < 2; i++)
        {
            byte[] heif = Read(file);
            Assert.Null(decoder.Decode(heif, ImageSniffer.Sniff(heif).Header, Unwatched.Instance, out var picture, out string? damage));
            Assert.Null(damage);
            using (picture)
            {
                using var difference = new Mat();
                Cv2.Absdiff(expected, picture!, difference);
                var mean = Cv2.Mean(difference);
                Assert.All(new[] { mean.Val0, mean.Val1, mean.Val2 }, static value => Assert.InRange(value, 0, 3));
            }

            decoder.Trim();
        }

        // Other pictures go on as ever.
        byte[] jpeg = Faults.Read("jpeg-whole.jpg");
        Assert.Null(decoder.Decode(jpeg, ImageSniffer.Sniff(jpeg).Header, Unwatched.Instance, out var other, out _));
        other!.Dispose();
    }

    [Fact]
    public void Damaged_files_are_refused_or_decoded_and_never_end_the_process()
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libheif.so.1", out _), "libheif1 is not installed");
        OpenCv.Initialize();
        var codec = Codecs.CreateWorker();
        using var decoder = new FrameDecoder(codec, DamagedPictures.Uncertain);
        var random = new Random(3);
        for (int round = 0; round < 60; round++)
        {
            byte[] damaged = Read(round % 2 == 0 ? "a.heic" : "a.avif");
            for (int i = 0; i < 4; i++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            var sniffed = ImageSniffer.Sniff(damaged);
            if (sniffed.Failure is null && sniffed.Header.Width * sniffed.Header.Height <= 1_000_000)
            {
                var failure = decoder.Decode(damaged, sniffed.Header, Unwatched.Instance, out var picture, out _);
                picture?.Dispose();
                decoder.Trim();
                Assert.True(failure is null or { Kind: FailureKind.Invalid }, failure?.Message);
            }
        }
    }

    [Fact]
    public void No_damage_to_the_boxes_makes_them_throw()
    {
        var random = new Random(4);
        foreach (string file in new[] { "a.heic", "a.avif", "thumb.heic", "two.heic" })
        {
            byte[] whole = Read(file);
            for (int round = 0; round < 2000; round++)
            {
                byte[] damaged = whole[..random.Next(whole.Length)];
                for (int i = 0; i < 3 && damaged.Length > 0; i++)
                {
                    damaged[random.Next(Math.Min(damaged.Length, 500))] = random.Next(3) switch { 0 => 0xFF, 1 => 0, _ => (byte)random.Next(256) };
                }

                ImageSniffer.Sniff(damaged);
            }
        }
    }

    [Fact]
    public void Without_processes_of_their_own_they_are_unsupported_with_what_to_do()
    {
        byte[] heic = Read("a.heic");
        using var decoder = new FrameDecoder(new LocalCodec(), DamagedPictures.Uncertain);

        var failure = decoder.Decode(heic, ImageSniffer.Sniff(heic).Header, Unwatched.Instance, out _, out _);

        Assert.Equal(FailureKind.Unsupported, failure?.Kind);
        Assert.Contains("apt-get install libheif1", failure?.Message, StringComparison.Ordinal);
        Assert.Contains("Loupe:Imaging:Isolation", failure?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Turning_and_mirroring_are_said_as_exif_would()
    {
        // Every way to turn and mirror, against a picture of two by two that is turned and mirrored.
        int[] upright = [1, 2, 3, 4];
        var exif = new Dictionary<int, int[]> { [1] = [1, 2, 3, 4], [2] = [2, 1, 4, 3], [3] = [4, 3, 2, 1], [4] = [3, 4, 1, 2], [5] = [1, 3, 2, 4], [6] = [3, 1, 4, 2], [7] = [4, 2, 3, 1], [8] = [2, 4, 1, 3] };
        foreach (int first in Enumerable.Range(0, 6))
        {
            foreach (int second in Enumerable.Range(0, 6))
            {
                var turn = Apply(Apply(new HeifOrientation(), first), second);

                Assert.Equal(exif[turn.Exif], Turn(Turn(upright, first), second));
            }
        }

        static HeifOrientation Apply(HeifOrientation turn, int step) => step < 4 ? turn.Rotated(step) : turn.Mirrored(leftToRight: step == 4);

        static int[] Turn(int[] p, int step) => step switch
        {
            0 => p,
            1 => [p[1], p[3], p[0], p[2]],
            2 => [p[3], p[2], p[1], p[0]],
            3 => [p[2], p[0], p[3], p[1]],
            4 => [p[1], p[0], p[3], p[2]],
            _ => [p[2], p[3], p[0], p[1]],
        };
    }

    private static byte[] Read(string name) => File.ReadAllBytes(TestData.Golden("heif", name));
}
