using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>`stream` as a process: its working directory, its input, signals, and what it leaves behind.</summary>
public sealed class ClientProcessTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private readonly FakeAnalysisService _service = new() { Answer = (frame, sequence) => FakeAnalysisService.Result(frame, sequence, 0.1f), MaxFrameBytes = 0 };
    private FakeAnalysisServer? _server;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(SystemTool.HasFfmpeg, SystemTool.NoFfmpeg);
        _server = await FakeAnalysisServer.StartAsync(_service);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Theory]
    [InlineData("2026-01-02T03:04:05.mp4")]
    [InlineData("concat:other.mp4")]
    [InlineData("-evil.mp4")]
    [InlineData("camera:front.mp4")]
    [InlineData("100%d and $(echo) 'x'.mp4")]
    public async Task A_file_name_is_a_file_name(string name)
    {
        File.Copy(TestData.Golden("video", "video-whole.mp4"), _folder[name]);
        File.Copy(TestData.Golden("video", "video-cut-40pct.mp4"), _folder["other.mp4"]);
        await using var client = Start([name, "--max-frames", "6"]);

        var run = await client.EndAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(6, run.Lines.Count);
        Assert.All(run.Lines, line => Assert.Equal(name, (string?)line["path"]));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task The_first_signal_ends_a_read_that_waits(string signal)
    {
        using var camera = new SilentCamera();
        // The read itself outlasts this test's patience.
        await using var client = Start([camera.Address, "--read-timeout", "600"]);
        await client.WaitForAsync(camera.CalledAsync());

        await client.SignalAsync(signal);
        var run = await client.EndAsync();

        Assert.Equal(130, run.ExitCode);
        Assert.Contains("0 analysed", run.Error, StringComparison.Ordinal);
        await Patience.UntilAsync(() => SystemProcesses.Count(camera.Address) == 0);
    }

    [Fact]
    public async Task The_first_signal_ends_a_read_in_the_middle_of_a_stream()
    {
        await using var client = Start(["-"]);
        var video = SystemTool.Run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=20", "-c:v", "ffv1", "-f", "nut", "-");
        // The rest never comes: however fast the client is, it is in the middle.
        await client.Input.WriteAsync(video.AsMemory(0, video.Length / 2), TestContext.Current.CancellationToken);
        await client.Input.FlushAsync(TestContext.Current.CancellationToken);
        await client.WaitForAsync(_service.ReceivedAsync(5));

        await client.SignalAsync("TERM");
        var run = await client.EndAsync();

        Assert.Equal(130, run.ExitCode);
        Assert.InRange(run.Lines.Count, 5, 199);
        Assert.Contains($"{run.Lines.Count} analysed", run.Error, StringComparison.Ordinal);
    }

    /// <summary>It would wait for ever for somebody to write.</summary>
    [Fact]
    public async Task A_named_pipe_is_refused()
    {
        SystemTool.Run("mkfifo", _folder["pipe.mp4"]);
        await using var client = Start([_folder["pipe.mp4"]]);

        var run = await client.EndAsync();

        Assert.Equal(20, run.ExitCode);
        Assert.Equal("UNREADABLE", (string?)Assert.Single(run.Lines)["error"]!["code"]);
    }

    /// <summary>A silent source is one from which nothing ever comes that could break a pipe.</summary>
    [Fact]
    public async Task Ffmpeg_ends_with_a_client_that_is_killed_while_its_source_is_silent()
    {
        using var camera = new SilentCamera();
        await using var client = Start([camera.Address]);
        await client.WaitForAsync(camera.CalledAsync());
        Assert.InRange(SystemProcesses.Count(camera.Address), 2, 4);

        await client.SignalAsync("KILL");

        await Patience.UntilAsync(() => SystemProcesses.Count(camera.Address) == 0);
    }

    [Fact]
    public async Task Ffmpeg_ends_with_a_client_that_is_killed_while_frames_come()
    {
        SystemTool.MakeVideo(_folder["long-video.mkv"], "s=96x64:r=50:d=60", "-c:v", "mpeg4");
        await using var client = Start([_folder["long-video.mkv"], "--delivery", "freshest"]);
        await client.WaitForAsync(_service.ReceivedAsync(5));

        await client.SignalAsync("KILL");

        await Patience.UntilAsync(() => SystemProcesses.Count(_folder["long-video.mkv"]) == 0);
    }

    [Fact]
    public async Task Nothing_runs_on_when_enough_frames_came()
    {
        SystemTool.MakeVideo(_folder["long-video.mkv"], "s=96x64:r=50:d=60", "-c:v", "mpeg4");

        var run = await VideoRun.OfAsync(_folder["long-video.mkv"], "--max-frames", "3");

        Assert.Equal(3, run.Frames.Count);
        Assert.Equal(0, SystemProcesses.Count(_folder["long-video.mkv"]));
    }

    [Fact]
    public async Task Without_ffmpeg_one_sentence_says_what_to_install()
    {
        await using var client = Start([TestData.Sample("clip.avi")], path: _folder.FullName);

        var run = await client.EndAsync();

        Assert.Equal(20, run.ExitCode);
        var error = Assert.Single(run.Lines)["error"]!;
        Assert.Equal("UNREADABLE", (string?)error["code"]);
        Assert.Contains("`apt-get install ffmpeg` (Debian, Ubuntu)", (string?)error["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ffmpeg_that_is_too_old_is_named()
    {
        foreach (var program in new[] { "ffmpeg", "ffprobe" })
        {
            await File.WriteAllTextAsync(_folder[program], "#!/bin/sh\necho ffmpeg version 4.2.7-0ubuntu0.1 Copyright\n", TestContext.Current.CancellationToken);
            SystemTool.Run("chmod", "+x", _folder[program]);
        }

        await using var client = Start([TestData.Sample("clip.avi")], path: $"{_folder.FullName}:/usr/bin:/bin");

        var run = await client.EndAsync();

        Assert.Equal(20, run.ExitCode);
        Assert.Equal(
            $"{_folder["ffmpeg"]} is version 4.2, which is too old to read videos with: install ffmpeg 4.4 or newer", (string?)Assert.Single(run.Lines)["error"]!["message"]);
    }

    [Fact]
    public async Task Info_says_what_videos_are_read_with()
    {
        await using var client = ClientProcess.Start(["info", "--server", _server!.Address.ToString()]);

        Assert.Matches("videos here +read with /.*/ffmpeg ", (await client.EndAsync()).Output);
    }

    [Theory]
    [InlineData("nut", "ffv1")]
    [InlineData("matroska", "mpeg2video")]
    [InlineData("mpegts", "mpeg2video")]
    public async Task A_container_is_read_from_standard_input(string format, string codec)
    {
        var video = SystemTool.Run(
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=2", "-c:v", codec, "-bf", "0", "-f", format, "-");
        await using var client = Start(["-"]);

        await client.Input.WriteAsync(video, TestContext.Current.CancellationToken);
        client.Input.Close();
        var run = await client.EndAsync();

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(20, run.Lines.Count);
        Assert.All(run.Lines, line => Assert.Equal("-", (string?)line["path"]));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => i / 10.0), run.Lines.Select(line => Math.Round((double)line["time_s"]!, 6)));
    }

    [Theory]
    [InlineData("bgr24:4x2@10", PixelFormat.Bgr24, 24)]
    [InlineData("nv12:4x2@10", PixelFormat.Nv12, 12)]
    [InlineData("yuyv:4x2@10", PixelFormat.Yuyv, 16)]
    public async Task Raw_frames_are_read_from_standard_input(string raw, PixelFormat format, int bytes)
    {
        var pixels = Enumerable.Range(0, 3 * bytes).Select(i => (byte)i).ToArray();
        await using var client = Start(["-", "--raw", raw]);

        await client.Input.WriteAsync(pixels, TestContext.Current.CancellationToken);
        await client.Input.WriteAsync(new byte[] { 1, 2, 3 }, TestContext.Current.CancellationToken);
        client.Input.Close();
        var run = await client.EndAsync();

        // Three whole frames, and a fourth that is not.
        Assert.Equal(20, run.ExitCode);
        Assert.Equal([0, 0.1, 0.2, 0.3], run.Lines.Select(line => Math.Round((double)line["time_s"]!, 6)));
        Assert.Equal($"frame 3 is cut off: standard input ended after 3 of its {bytes} bytes", (string?)run.Lines[3]["error"]!["message"]);
        Assert.Equal(3, _service.Frames.Count);
        Assert.All(_service.Frames, frame => Assert.Equal((format, 4U, 2U), (frame.Raw.Format.PixelFormat, frame.Raw.Format.Width, frame.Raw.Format.Height)));
        Assert.Equal(pixels, _service.Frames.SelectMany(frame => frame.Raw.Data));
    }

    /// <summary>Of a program that fails before its first frame a pipe shows nothing else.</summary>
    [Fact]
    public async Task Raw_standard_input_without_a_frame_is_a_failure()
    {
        await using var client = Start(["-", "--raw", "nv12:4x2@10"]);

        client.Input.Close();
        var run = await client.EndAsync();

        Assert.Equal(20, run.ExitCode);
        Assert.Equal("frame 0 did not come: standard input ended before it", (string?)Assert.Single(run.Lines)["error"]!["message"]);
    }

    /// <summary>Only where the kernel has v4l2loopback and this user may load it.</summary>
    [Fact]
    public async Task A_camera_of_this_machine_is_analysed()
    {
        const string Device = "/dev/video61";
        try
        {
            SystemTool.Run("modprobe", "v4l2loopback", "video_nr=61");
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            Assert.Skip("this kernel has no v4l2loopback");
        }

        string[] film = ["-v", "error", "-progress", "-", "-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=600", "-pix_fmt", "yuyv422", "-f", "v4l2", Device];
        using var feed = Process.Start(new ProcessStartInfo("ffmpeg", film) { RedirectStandardOutput = true })!;
        try
        {
            // It says so now and then; a line is there before the first frame, too.
            string? line;
            do
            {
                line = await feed.StandardOutput.ReadLineAsync(Patience.Token());
                Assert.NotNull(line);
            }
            while (!line.StartsWith("frame=", StringComparison.Ordinal) || line == "frame=0");

            await using var client = Start(["camera:61", "--max-frames", "5"]);

            var run = await client.EndAsync();

            Assert.Equal(0, run.ExitCode);
            Assert.Equal(5, run.Lines.Count);
        }
        finally
        {
            feed.Kill();
        }
    }

    private ClientProcess Start(string[] arguments, string? path = null) =>
        ClientProcess.Start(["stream", .. arguments, "--format", "jsonl", "--server", _server!.Address.ToString()], _folder.FullName, path);

    /// <summary>Takes calls and says nothing.</summary>
    private sealed class SilentCamera : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public SilentCamera() => _listener.Start();

        public string Address => $"rtsp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/silent";

        public void Dispose() => _listener.Dispose();

        /// <summary>Waits until ffmpeg has called.</summary>
        public async Task CalledAsync() => await _listener.AcceptTcpClientAsync(Patience.Token());
    }
}
