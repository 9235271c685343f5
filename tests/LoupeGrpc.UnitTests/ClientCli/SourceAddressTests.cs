using LoupeGrpc.Client.Cli.Inputs;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class SourceAddressTests
{
    [Theory]
    [InlineData("rtsp://10.0.0.7:554/live/1", "rtsp://10.0.0.7:554/live/1")]
    [InlineData("rtsp://[::1]:554/live@home", "rtsp://[::1]:554/live@home")]
    [InlineData("rtsp://bob:secret@10.0.0.7/live", "rtsp://***@10.0.0.7/live")]
    [InlineData("rtsp://bob@10.0.0.7", "rtsp://***@10.0.0.7")]
    [InlineData("rtsp://bob:se@cret@10.0.0.7/live", "rtsp://***@10.0.0.7/live")]
    [InlineData("rtsp://bob:se/cret@10.0.0.7/live", "rtsp://***@10.0.0.7/live")]
    [InlineData("http://host/video?channel=1&pwd=secret#now", "http://host/video?channel=***&pwd=***#now")]
    [InlineData("rtsp://host/user=admin&password=secret&channel=1", "rtsp://host/user=***&password=***&channel=***")]
    public void Credentials_are_masked(string address, string shown)
    {
        var parsed = Assert.IsType<SourceAddress.Network>(SourceAddress.Parse(address));

        Assert.Equal(shown, parsed.Label);
        Assert.Equal(shown, parsed.ToString());
        Assert.Equal(address, parsed.Url);
    }

    [Theory]
    [InlineData("file:///a/b%20c.mp4", "/a/b c.mp4")]
    [InlineData("file://localhost/a/b.mp4", "/a/b.mp4")]
    [InlineData("FILE:///a/b.mp4", "/a/b.mp4")]
    public void A_file_url_is_a_file(string address, string file)
    {
        var parsed = Assert.IsType<SourceAddress.Local>(SourceAddress.Parse(address));

        Assert.Equal((file, address), (parsed.File, parsed.Label));
    }

    [Fact]
    public void Cameras_and_files_are_told_apart()
    {
        Assert.Equal(12, Assert.IsType<SourceAddress.Camera>(SourceAddress.Parse("camera:12")).Index);
        Assert.Equal("camera:front", Assert.IsType<SourceAddress.Local>(SourceAddress.Parse("camera:front")).File);
        Assert.Equal("concat:a.mp4", Assert.IsType<SourceAddress.Local>(SourceAddress.Parse("concat:a.mp4")).File);
        Assert.IsType<SourceAddress.StandardInput>(SourceAddress.Parse("-"));
        Assert.Equal("videos/a.mp4", Assert.IsType<SourceAddress.Local>(SourceAddress.Parse("videos/a.mp4")).File);
    }
}
