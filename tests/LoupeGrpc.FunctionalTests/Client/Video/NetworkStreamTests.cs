using System.Net;
using System.Net.Sockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>Streams of real servers on this machine, good and bad ones.</summary>
public sealed class NetworkStreamTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public NetworkStreamTests() => Assert.SkipUnless(SystemTool.HasFfmpeg, SystemTool.NoFfmpeg);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public async Task A_network_camera_is_analysed(string transport)
    {
        await using var camera = await StartCameraAsync();

        var run = await VideoRun.OfAsync(camera.Address, "--rtsp-transport", transport, "--max-frames", "12");

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(12);
        Assert.All(run.Sizes, size => Assert.Equal((160U, 120U), size));
        Assert.All(run.Lines, line => Assert.Equal(camera.Address, (string?)line["path"]));

        // The camera's own clock, ten frames a second, and not the moments of their arrival.
        Assert.All(run.Times.Zip(run.Times.Skip(1)), pair => Assert.Equal(0.1, pair.Second - pair.First, 2));
        Assert.Equal(0, run.Times.First());

        // What is live is judged over time.
        Assert.Equal(new TemporalSettings { Enabled = true }, run.Opened.Temporal);
    }

    [Fact]
    public async Task Frames_of_a_camera_are_sampled_by_its_own_time()
    {
        await using var camera = await StartCameraAsync();

        var run = await VideoRun.OfAsync(camera.Address, "--fps", "2", "--max-frames", "4", "--temporal", "off");

        run.AssertComplete(4);
        Assert.Null(run.Opened.Temporal);
        Assert.All(run.Times.Zip(run.Times.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 0.39, 0.71));
    }

    [Fact]
    public async Task A_password_opens_a_camera_and_is_shown_nowhere()
    {
        await using var camera = await StartCameraAsync("--user", "bob:s3cret");

        var right = await VideoRun.OfAsync(camera.AddressWith("bob:s3cret@"), "--max-frames", "3");
        var wrong = await VideoRun.OfAsync(camera.AddressWith("bob:s3crets@"));

        Assert.Equal((0, 20), (right.ExitCode, wrong.ExitCode));
        Assert.Equal(3, right.Frames.Count);
        Assert.Contains("401", (string?)Assert.Single(wrong.Lines)["error"]!["message"], StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", right.Everything + wrong.Everything, StringComparison.Ordinal);
        Assert.DoesNotContain("bob", right.Everything + wrong.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_camera_that_breaks_and_comes_back_goes_on()
    {
        var (address, run) = await ComesBackAsync(static (running, _) => running.ReceivedAsync(5), [], "--max-frames", "40");

        run.AssertComplete(40);
        Assert.Contains($"{address} broke", run.Error, StringComparison.Ordinal);
        Assert.All(run.Times.Zip(run.Times.Skip(1)), pair => Assert.True(pair.Second >= pair.First));
    }

    [Fact]
    public async Task A_camera_that_falls_silent_is_opened_again()
    {
        var (address, run) = await ComesBackAsync(
            static (running, address) => running.SaysAsync($"{address} broke"), ["--silent-after", "12"], "--read-timeout", "5", "--max-frames", "20");

        run.AssertComplete(20);
        Assert.Contains($"{address} broke (nothing came for 5 s (--read-timeout)); reconnecting", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_says_a_word_is_given_up()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"rtsp://bob:s3cret@127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/cam";

        var run = await VideoRun.OfAsync(address, "--read-timeout", "1");

        Assert.Equal(20, run.ExitCode);
        Assert.Contains("nothing came for 1 s (--read-timeout)", (string?)Assert.Single(run.Lines)["error"]!["message"], StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", run.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recording_behind_rtsp_ends()
    {
        SystemTool.MakeVideo(_folder["recording.mp4"], "s=160x120:r=10:d=2", "-c:v", "libx264", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p");
        await using var camera = await StartCameraAsync("--recording", _folder["recording.mp4"]);

        var run = await VideoRun.OfAsync(camera.Address);

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(20);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => i / 10.0), run.Times.Select(time => Math.Round(time, 6)));
    }

    [Fact]
    public async Task Pictures_pushed_over_http_come_with_the_time_of_their_arrival()
    {
        const int Early = 8;
        var pause = TimeSpan.FromSeconds(1);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await MediaServer.StartAsync(
            _folder.FullName, Pictures(), before: number => number == Early ? arrived.Task : Task.CompletedTask);
        var started = TimeProvider.System.GetTimestamp();
        await using var running = await RunningVideo.StartAsync($"{server.Address}/mjpeg?key=s3cret", "--max-frames", $"{Early + 4}");
        await running.ReceivedAsync(1);
        await Task.Delay(pause, TestContext.Current.CancellationToken);
        arrived.SetResult();

        var run = await running.EndAsync();

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(Early + 4);
        Assert.All(run.Sizes, size => Assert.Equal((96U, 64U), size));
        // The pause is in them, which no frame rate knows of, and nothing that took longer than all of it.
        Assert.InRange(run.Times.Last(), pause.TotalSeconds, TimeProvider.System.GetElapsedTime(started).TotalSeconds);
        Assert.DoesNotContain("s3cret", run.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_camera_over_http_that_breaks_and_comes_back_goes_on()
    {
        var port = FreePort.Find();
        var server = await MediaServer.StartAsync(_folder.FullName, Pictures(), port);
        await using var running = await RunningVideo.StartAsync($"{server.Address}/mjpeg", "--max-frames", "30");
        await running.ReceivedAsync(5);
        await server.DisposeAsync();
        await using var again = await MediaServer.StartAsync(_folder.FullName, Pictures(), port);

        var run = await running.EndAsync();

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(30);
        Assert.Contains("/mjpeg is back", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hls_is_followed_to_its_end()
    {
        SystemTool.MakeVideo(
            _folder["list.m3u8"], "s=96x64:r=10:d=3", "-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p", "-hls_time", "1", "-hls_playlist_type", "vod");
        await using var server = await MediaServer.StartAsync(_folder.FullName);

        var whole = await VideoRun.OfAsync($"{server.Address}/list.m3u8");
        File.Delete(_folder["list1.ts"]);
        var hole = await VideoRun.OfAsync($"{server.Address}/list.m3u8");

        Assert.Equal(0, whole.ExitCode);
        whole.AssertComplete(30);
        Assert.Equal(Enumerable.Range(0, 30).Select(i => i / 10.0), whole.Times.Select(time => Math.Round(time, 6)));

        // A part that the server has lost.
        Assert.Equal(20, hole.ExitCode);
        hole.AssertComplete(30);
        Assert.Equal(10, hole.Lines.Count(line => (string?)line["error"]?["code"] == "UNREADABLE"));
        Assert.Equal(whole.Times.Select(time => Math.Round(time, 6)), hole.Times.Select(time => Math.Round(time, 6)));
    }

    [Fact]
    public async Task A_recording_on_a_server_ends_where_it_ends()
    {
        File.Copy(TestData.Golden("video", "video-whole.mp4"), _folder["whole.mp4"]);
        SystemTool.Run("ffmpeg", "-v", "error", "-i", _folder["whole.mp4"], "-c", "copy", _folder["whole.mkv"]);
        await using var server = await MediaServer.StartAsync(_folder.FullName);

        var whole = await VideoRun.OfAsync($"{server.Address}/whole.mp4");
        var broken = await VideoRun.OfAsync($"{server.Address}/cut/whole.mkv");
        var missing = await VideoRun.OfAsync($"{server.Address}/nothing.mp4");

        Assert.Equal((0, 20, 20), (whole.ExitCode, broken.ExitCode, missing.ExitCode));
        whole.AssertComplete(40);
        broken.AssertComplete(40);
        broken.AssertAnalysedOnlyWhatIsIn(whole);
        Assert.InRange(broken.Frames.Count, 5, 35);
        Assert.Contains("404", (string?)Assert.Single(missing.Lines)["error"]!["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/video.mp4")]
    [InlineData("concat://a.mp4")]
    [InlineData("subfile,,start,0,end,9,,:///etc/passwd")]
    public async Task Other_addresses_than_those_of_the_network_are_refused(string address)
    {
        var run = await VideoRun.OfAsync(address);

        Assert.Equal(20, run.ExitCode);
        Assert.StartsWith("no file has this name", (string?)Assert.Single(run.Lines)["error"]!["message"], StringComparison.Ordinal);
    }

    /// <summary>Reads a camera, ends it when something has happened, and starts it again at the same address.</summary>
    private static async Task<(string Address, VideoRun Run)> ComesBackAsync(
        Func<RunningVideo, string, Task> happened, string[] camera, params string[] arguments)
    {
        var first = await StartCameraAsync([.. camera, "--port", $"{FreePort.Find()}"]);
        await using var running = await RunningVideo.StartAsync([first.Address, .. arguments]);
        await using (first)
        {
            await happened(running, first.Address);
        }

        await using var again = await RtspCamera.StartAsync("--port", $"{first.Port}");

        var run = await running.EndAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"{first.Address} is back", run.Error, StringComparison.Ordinal);
        return (first.Address, run);
    }

    private static Task<RtspCamera> StartCameraAsync(params string[] arguments)
    {
        Assert.SkipUnless(RtspCamera.IsInstalled, RtspCamera.Missing);
        return RtspCamera.StartAsync(arguments);
    }

    private byte[][] Pictures()
    {
        SystemTool.MakeVideo(_folder["%d.jpg"], "s=96x64:r=10:d=0.5", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p");
        return [.. Enumerable.Range(1, 5).Select(i => File.ReadAllBytes(_folder[$"{i}.jpg"]))];
    }
}
