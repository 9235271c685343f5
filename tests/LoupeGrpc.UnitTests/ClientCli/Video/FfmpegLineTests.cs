using LoupeGrpc.Client.Cli.Inputs.Video;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class FfmpegLineTests
{
    [Theory]
    [InlineData("[Parsed_showinfo_0 @ 0x55d326109240] [info] n:   4 pts:   4096 pts_time:0.4     pos:     1341 fmt:yuv444p sar:1/1 s:96x64 i:P iskey:1 type:I ", 4096L, true)]
    [InlineData("[Parsed_showinfo_0 @ 0x55d326109240] [info] n:   4 pts:   4096 pts_time:0.4     duration:   1024 duration_time:0.1     fmt:yuv444p cl:left sar:1/1 s:96x64 i:P iskey:0 type:B ", 4096L, false)]
    [InlineData("[Parsed_showinfo_0 @ 0x1] [info] n:  14 pts:NOPTS   pts_time:NOPTS   pos:    16402 fmt:yuv420p sar:1/1 s:96x64 i:P iskey:0 type:B Invalid NAL unit size (5 > 3).", null, false)]
    public void A_shown_frame_is_understood_as_each_version_writes_it(string line, long? pts, bool isKey)
    {
        Assert.Equal(new FfmpegLine.Frame(pts, 96, 64, isKey), FfmpegLine.Parse(line));
    }

    [Fact]
    public void What_else_ffmpeg_says_is_understood()
    {
        Assert.Equal(new FfmpegLine.Rates(1, 90000, 30000, 1001), FfmpegLine.Parse("[Parsed_showinfo_0 @ 0x5] [info] config in time_base: 1/90000, frame_rate: 30000/1001"));
        Assert.Equal(new FfmpegLine.Input("mov,mp4,m4a,3gp,3g2,mj2"), FfmpegLine.Parse("[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/a b':"));
        Assert.Equal(new FfmpegLine.Duration(360_004.5), FfmpegLine.Parse("[info]   Duration: 100:00:04.50, start: 0.000000, bitrate: 6 kb/s"));
        Assert.Equal(new FfmpegLine.Decoder("av1", "libdav1d"), FfmpegLine.Parse("[info]   Stream #0:0 -> #0:0 (av1 (libdav1d) -> rawvideo (native))"));
        Assert.Equal(new FfmpegLine.Decoder("h264", "h264"), FfmpegLine.Parse("[info]   Stream #0:1 -> #0:0 (h264 (native) -> rawvideo (native))"));
        Assert.Equal(new FfmpegLine.Message("h264", true, "no frame!"), FfmpegLine.Parse("[h264 @ 0x5618beb72440] [error] no frame!"));
        Assert.Equal(
            new FfmpegLine.Message("vist#0:0/h264", true, "Error submitting packet to decoder: Invalid data found when processing input"),
            FfmpegLine.Parse("[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [error] Error submitting packet to decoder: Invalid data found when processing input"));
        Assert.Equal(
            new FfmpegLine.Message("h264", false, "concealing 24 DC, 24 AC, 24 MV errors in I frame"),
            FfmpegLine.Parse("[h264 @ 0x5618beb72440] [info] concealing 24 DC, 24 AC, 24 MV errors in I frame"));
    }

    /// <summary>Titles, comments and file names are dumped too.</summary>
    [Theory]
    [InlineData("[info]     title           : [Parsed_showinfo_0 @ 0x5] [info] n:   0 pts:      0 pts_time:0 s:1x1 i:P iskey:1 type:I")]
    [InlineData("[info]     comment         : config in time_base: 1/1, frame_rate: 1/1")]
    [InlineData("[info]     Input #0, x, from 'y'")]
    public void What_strangers_wrote_is_not_taken_for_ffmpegs(string line)
    {
        Assert.Null(FfmpegLine.Parse(line));
    }
}
