using LoupeGrpc.Client.Cli.Inputs.Video;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class VideoProbeTests
{
    [Fact]
    public void What_a_container_promises_is_read()
    {
        var promise = VideoProbe.Read(
            """
            {"programs":[],"streams":[{"codec_name":"h264","codec_tag_string":"avc1","nb_frames":"40","start_time":"1.700000","duration":"4.000000",
              "avg_frame_rate":"30000/1001","r_frame_rate":"30/1"}],"format":{"format_name":"mov,mp4","start_time":"1.600000","duration":"4.1","size":"8451"}}
            """)!;

        Assert.Equal(("h264", "avc1", "mov,mp4", 40L, true), (promise.Codec, promise.CodecTag, promise.Format, promise.Frames, promise.IsFinite));
        Assert.Equal(4.1, promise.End!.Value, 1e-9);
        Assert.Equal(30000 / 1001.0, promise.FramesPerSecond);
    }

    [Theory]
    [InlineData("""{"streams":[{"codec_name":"mjpeg","avg_frame_rate":"0/0","r_frame_rate":"25/1"}],"format":{"format_name":"mpjpeg"}}""", false, 25.0, null)]
    [InlineData("""{"streams":[{"codec_name":"h264","r_frame_rate":"0/0","tags":{"DURATION":"00:01:04.500000000"}}],"format":{"duration":"70"}}""", true, null, 64.5)]
    [InlineData("""{"streams":[{"codec_name":"h264"}],"format":{"size":"30456"}}""", true, null, null)]
    public void What_it_does_not_say_is_not_made_up(string json, bool isFinite, double? fps, double? end)
    {
        var promise = VideoProbe.Read(json)!;

        Assert.Equal((isFinite, fps, end), (promise.IsFinite, promise.FramesPerSecond, promise.End));
        Assert.Null(promise.Frames);
    }

    [Theory]
    [InlineData("""{"streams":[],"format":{"duration":"1"}}""")]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("{")]
    public void No_video_is_none(string json)
    {
        Assert.Null(VideoProbe.Read(json));
    }
}
