using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class CameraSourceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The clip stands for a camera: it cannot be opened again, and ends after 72 frames.</summary>
    [Fact]
    public async Task A_camera_that_is_unplugged_ends_the_stream_with_a_failure()
    {
        Assert.SkipUnless(SystemTool.HasFfmpeg, SystemTool.NoFfmpeg);
        var told = new List<string>();
        var sampling = new SamplingOptions(PerSecond: null, MaxFrames: 100, TimeProvider.System);
        var tools = await VideoTools.FindAsync(Token);
        var input = VideoInput.OfFile("camera:0", TestData.Sample("clip.avi"));
        await using var source = new LiveSource(await VideoReader.OpenAsync(Start, Token), input, Start, sampling, told.Add);

        var items = await source.ReadAsync(Token).ToListAsync(Token);

        Assert.Equal(73, items.Count);
        Assert.All(items.SkipLast(1), item => Assert.IsType<PixelItem>(item));
        Assert.Equal("it stopped sending frames: it was unplugged, or another program took it", Assert.IsType<UnreadableItem>(items[^1]).Message);
        Assert.Equal(["camera:0 stopped sending frames"], told);

        VideoReader Start() => VideoReader.Start(tools, input, VideoPromise.Unknown, isLive: true, keepFrames: true, VideoOptions.Default, sampling);
    }
}
