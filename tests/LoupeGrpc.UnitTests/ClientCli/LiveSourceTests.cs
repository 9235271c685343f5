using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class LiveSourceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_that_breaks_is_opened_again_and_goes_on()
    {
        // A clip ends after 72 frames, which is what a broken stream looks like.
        var clip = TestData.Sample("clip.avi");
        var told = new List<string>();
        var sampling = new SamplingOptions(PerSecond: null, MaxFrames: 100, TimeProvider.System);
        var capture = await OpenCvCapture.OpenAsync(clip, keepFrames: false, Token);
        var source = new LiveSource(capture!, clip, "rtsp://***@camera/live", keepFrames: false, sampling, told.Add);

        var items = await source.ReadAsync(Token).ToListAsync(Token);

        Assert.Equal(100, items.Count);
        Assert.All(items, item => Assert.Equal("rtsp://***@camera/live", item.Path));
        Assert.Equal(["rtsp://***@camera/live broke; reconnecting", "rtsp://***@camera/live is back"], told);
    }

    [Fact]
    public async Task A_camera_that_is_unplugged_ends_the_stream()
    {
        var told = new List<string>();
        var sampling = new SamplingOptions(PerSecond: null, MaxFrames: 100, TimeProvider.System);
        var capture = await OpenCvCapture.OpenAsync(TestData.Sample("clip.avi"), keepFrames: false, Token);
        var source = new LiveSource(capture!, 0, "camera:0", keepFrames: false, sampling, told.Add);

        Assert.Equal(72, (await source.ReadAsync(Token).ToListAsync(Token)).Count);
        Assert.Equal(["camera:0 gives no more frames"], told);
    }

    [Fact]
    public async Task A_recording_is_played_at_its_own_speed()
    {
        var time = new FakeTimeProvider();
        var items = new[] { 0.0, 0.5, 2 }.Select(seconds => new FileItem { Path = "f", Name = "f", File = "f", TimeSeconds = seconds });
        await using var played = new PacedSource(new ItemListSource("f", [.. items]), time).ReadAsync(Token).GetAsyncEnumerator(Token);

        Assert.True(await played.MoveNextAsync());
        var second = played.MoveNextAsync().AsTask();
        time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(await second);

        // A slow server: the third frame's time has passed already.
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(played.MoveNextAsync().AsTask().IsCompletedSuccessfully);
    }
}
