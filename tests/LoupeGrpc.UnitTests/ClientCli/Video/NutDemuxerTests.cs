using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class NutDemuxerTests
{
    public NutDemuxerTests() => Assert.SkipUnless(SystemTool.HasFfmpeg, SystemTool.NoFfmpeg);

    [Theory]
    // Small enough that ffmpeg leaves out how many frames begin.
    [InlineData("color=black:s=8x8:r=25", 8, 8, 25.0)]
    [InlineData("color=black:s=2x2:r=30000/1001", 2, 2, 30000 / 1001.0)]
    [InlineData("testsrc2=s=320x240:r=90000", 320, 240, 90000.0)]
    [InlineData("testsrc2=s=64x64:r=1/7", 64, 64, 1 / 7.0)]
    public void Times_and_pixels_are_those_of_ffmpeg(string source, int width, int height, double rate)
    {
        var raw = SystemTool.Run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "20", "-pix_fmt", "bgr24", "-f", "rawvideo", "-");
        var demuxer = new NutDemuxer(new MemoryStream(Nut("-f", "lavfi", "-i", source, "-frames:v", "20")));
        var bytes = 3 * width * height;

        for (var i = 0; i < 20; i++)
        {
            Assert.True(demuxer.TryReadFrame(out var size, out var seconds));
            Assert.Equal((bytes, width, height), (size, demuxer.Width, demuxer.Height));
            Assert.Equal(i / rate, seconds, 1e-9);
            var frame = new byte[bytes];
            demuxer.ReadData(frame);
            Assert.Equal(raw.AsSpan(i * bytes, bytes).ToArray(), frame);
        }

        Assert.False(demuxer.TryReadFrame(out _, out _));
    }

    [Fact]
    public void Frames_may_be_passed_over()
    {
        var demuxer = new NutDemuxer(new MemoryStream(Nut("-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=2")));
        var times = new List<double>();
        while (demuxer.TryReadFrame(out var bytes, out var seconds))
        {
            times.Add(seconds);
            demuxer.SkipData(bytes);
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => i / 10.0), times);
    }

    /// <summary>ffmpeg was killed, or something else writes there.</summary>
    [Fact]
    public void What_is_cut_or_strange_ends_with_an_exception_and_never_with_a_wrong_frame()
    {
        var nut = Nut("-f", "lavfi", "-i", "testsrc2=s=16x16:r=10:d=0.3");
        for (var length = 0; length < nut.Length; length++)
        {
            ReadAll(nut[..length]);
        }

        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            var strange = nut.ToArray();
            strange[random.Next(400)] = (byte)random.Next(256);
            ReadAll(strange);
        }
    }

    private static void ReadAll(byte[] data)
    {
        var demuxer = new NutDemuxer(new MemoryStream(data));
        try
        {
            while (demuxer.TryReadFrame(out var bytes, out _))
            {
                demuxer.SkipData(bytes);
            }
        }
        catch (Exception error) when (error is EndOfStreamException or InvalidDataException)
        {
            // As it says.
        }
    }

    private static byte[] Nut(params string[] source) =>
        SystemTool.Run("ffmpeg", ["-v", "error", .. source, "-pix_fmt", "bgr24", "-c:v", "rawvideo", "-f", "nut", "-"]);
}
