using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>Video files, whole and damaged, and names that look like something else.</summary>
public sealed class RecordingTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public RecordingTests() => Assert.SkipUnless(SystemTool.HasFfmpeg, SystemTool.NoFfmpeg);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_frame_of_a_video_comes_at_its_time()
    {
        var run = await VideoRun.OfAsync(Data("video-whole.mp4"));

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(40);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => i / 10.0), run.Times);
        Assert.All(run.Lines, line => Assert.Equal(Data("video-whole.mp4"), (string?)line["path"]));
        Assert.DoesNotContain("warning", run.Error, StringComparison.Ordinal);
    }

    /// <summary>The reference's frames were decoded by OpenCV with a stock FFmpeg.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(54)]
    [InlineData(71)]
    public async Task Frames_of_the_sample_clip_have_the_pixels_that_the_reference_saw(int index)
    {
        var run = await VideoRun.OfAsync(TestData.Sample("clip.avi"), "--max-frames", $"{index + 1}");

        Assert.True(run.ExitCode == 0 && run.Frames.Count == index + 1, run.Everything);
        using var expected = Cv2.ImRead(TestData.Golden("nano", "clip", $"frame-{index}.png"));
        var frame = run.Frames[index].Raw;
        Assert.Equal((PixelFormat.Bgr24, 320U, 240U), (frame.Format.PixelFormat, frame.Format.Width, frame.Format.Height));
        using var actual = Mat.FromPixelData(240, 320, MatType.CV_8UC3, frame.Data.ToByteArray());
        Assert.Equal(0, Cv2.Norm(actual, expected, NormTypes.INF));
    }

    [Fact]
    public async Task A_recording_is_judged_over_time_where_that_is_asked_for()
    {
        Assert.Null((await VideoRun.OfAsync(TestData.Sample("clip.avi"), "--max-frames", "2")).Opened.Temporal);
        Assert.Equal(new TemporalSettings { Enabled = true }, (await VideoRun.OfAsync(TestData.Sample("clip.avi"), "--max-frames", "2", "--temporal", "on")).Opened.Temporal);
    }

    [Fact]
    public async Task What_a_cut_file_promised_and_lacks_is_lost_frame_by_frame()
    {
        var run = await DamagedAsync("video-cut-40pct.mp4", leastAnalysed: 3);

        var lost = run.Lines.Skip(run.Frames.Count).ToList();
        Assert.All(lost, line => Assert.Equal("UNREADABLE", (string?)line["error"]!["code"]));
        Assert.Equal($"frame {run.Frames.Count} is lost: the recording ends before it", (string?)lost[0]["error"]!["message"]);
        Assert.Contains(
            $"frames {run.Frames.Count} to 39 ({run.Frames.Count / 10.0:0.000} s to 3.900 s) were not analysed: frame {run.Frames.Count} is lost", run.Error, StringComparison.Ordinal);
        Assert.Contains($"{lost.Count} failed", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_that_are_made_of_damaged_ones_are_not_judged()
    {
        await DamagedAsync("video-hole-3k.mp4", leastAnalysed: 1);
    }

    /// <summary>Holes and noise, in codecs and containers that notice them each in its own way.</summary>
    [Theory]
    [InlineData("h264.mp4", "libx264")]
    [InlineData("h264.ts", "libx264")]
    [InlineData("h264.mkv", "libx264")]
    [InlineData("mpeg4.mkv", "mpeg4")]
    [InlineData("mpeg2.ts", "mpeg2video")]
    [InlineData("mjpeg.mkv", "mjpeg")]
    public async Task Of_a_damaged_video_only_frames_are_judged_that_are_as_they_were(string name, string codec)
    {
        SystemTool.MakeVideo(_folder[name], "s=160x120:r=10:d=4", "-c:v", codec, "-g", "12", "-pix_fmt", codec == "mjpeg" ? "yuvj420p" : "yuv420p", "-q:v", "3");
        var intact = await VideoRun.OfAsync(_folder[name]);
        Assert.Equal(0, intact.ExitCode);
        var data = await File.ReadAllBytesAsync(_folder[name], TestContext.Current.CancellationToken);
        foreach (var (at, share, noise) in new[] { (0.35, 20, false), (0.55, 12, true) })
        {
            var damaged = data.ToArray();
            var hole = damaged.AsSpan((int)(at * data.Length), data.Length / share);
            hole.Clear();
            if (noise)
            {
                new Random(7).NextBytes(hole);
            }

            await File.WriteAllBytesAsync(_folder["damaged-" + name], damaged, TestContext.Current.CancellationToken);

            var run = await VideoRun.OfAsync(_folder["damaged-" + name]);

            Assert.Equal(20, run.ExitCode);
            Assert.InRange(run.Frames.Count, 5, 39);
            foreach (var frame in run.Frames)
            {
                var time = (double)run.Lines[(int)frame.FrameId]["time_s"]!;
                var same = intact.Frames[(int)Math.Round(time * 10)];
                Assert.True(frame.Raw.Data.Equals(same.Raw.Data), $"{at}: the frame of {time} s is not as it was");
            }
        }
    }

    [Fact]
    public async Task Each_frame_has_its_own_size()
    {
        var run = await VideoRun.OfAsync(Data("video-size-changes.ts"));

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(10);
        Assert.Equal([.. Enumerable.Repeat((96U, 64U), 5), .. Enumerable.Repeat((192U, 64U), 5)], run.Sizes);
        Assert.All(run.Frames, frame => Assert.Equal(3 * frame.Raw.Format.Width * frame.Raw.Format.Height, (uint)frame.Raw.Data.Length));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => i / 10.0), run.Times);
    }

    /// <summary>On a side with as many pixels only the size tells that the picture was turned.</summary>
    [Fact]
    public async Task A_video_is_turned_as_players_turn_it()
    {
        var data = await File.ReadAllBytesAsync(Data("video-whole.mp4"), TestContext.Current.CancellationToken);
        var matrix = data.AsSpan(data.AsSpan().IndexOf("tkhd"u8) + 4 + 40);
        foreach (var (index, value) in new[] { (0, 0), (1, 0x10000), (3, -0x10000), (4, 0) })
        {
            BinaryPrimitives.WriteInt32BigEndian(matrix[(4 * index)..], value);
        }

        await File.WriteAllBytesAsync(_folder["turned.mp4"], data, TestContext.Current.CancellationToken);

        var run = await VideoRun.OfAsync(_folder["turned.mp4"], "--max-frames", "3");
        var upright = await VideoRun.OfAsync(Data("video-whole.mp4"), "--max-frames", "3");

        Assert.All(run.Sizes, size => Assert.Equal((64U, 96U), size));
        using var picture = Mat.FromPixelData(64, 96, MatType.CV_8UC3, upright.Frames[2].Raw.Data.ToByteArray());
        using var turned = Mat.FromPixelData(96, 64, MatType.CV_8UC3, run.Frames[2].Raw.Data.ToByteArray());
        using var expected = new Mat();
        Cv2.Rotate(picture, expected, RotateFlags.Rotate90Clockwise);
        Assert.Equal(0, Cv2.Norm(turned, expected, NormTypes.INF));
    }

    [Fact]
    public async Task Times_are_those_of_the_file_where_its_rate_varies()
    {
        // 0, 1, 4, 9, … hundredths of a second, and a last picture that stands for long.
        SystemTool.MakeVideo(_folder["varying.mkv"], "s=32x32:r=100:d=0.1", "-vf", "setpts=N*N/100/TB", "-fps_mode", "vfr", "-c:v", "ffv1");

        var run = await VideoRun.OfAsync(_folder["varying.mkv"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => i * i / 100.0), run.Times);
    }

    [Fact]
    public async Task Sampled_frames_are_the_first_of_each_interval()
    {
        var all = await VideoRun.OfAsync(Data("video-whole.mp4"));
        var run = await VideoRun.OfAsync(Data("video-whole.mp4"), "--fps", "3");

        Assert.Equal([0, 0.4, 0.7, 1, 1.4, 1.7, 2, 2.4, 2.7, 3, 3.4, 3.7], run.Times);
        Assert.All(run.Frames.Zip(run.Times), pair => Assert.Equal(all.Frames[(int)Math.Round(pair.Second * 10)].Raw.Data, pair.First.Raw.Data));
    }

    [Fact]
    public async Task A_codec_without_a_decoder_is_a_failure_that_names_it()
    {
        var data = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Data("video-whole.mp4"), TestContext.Current.CancellationToken));
        await File.WriteAllBytesAsync(
            _folder["unknown.mp4"], Encoding.Latin1.GetBytes(data.Replace("avc1", "zzz1", StringComparison.Ordinal).Replace("avcC", "zzzC", StringComparison.Ordinal)), TestContext.Current.CancellationToken);

        var run = await VideoRun.OfAsync(_folder["unknown.mp4"]);

        Assert.Equal(20, run.ExitCode);
        var error = Assert.Single(run.Lines)["error"]!;
        Assert.Equal("UNSUPPORTED", (string?)error["code"]);
        Assert.Equal("none of its 40 frames can be decoded: the ffmpeg of this machine has no decoder for its codec, zzz1", (string?)error["message"]);
    }

    [Fact]
    public async Task A_container_that_names_no_codec_is_damaged_and_not_unsupported()
    {
        var data = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Data("video-whole.mp4"), TestContext.Current.CancellationToken));
        await File.WriteAllBytesAsync(
            _folder["nameless.mp4"],
            Encoding.Latin1.GetBytes(data.Replace("avc1", "\0\0\0\0", StringComparison.Ordinal).Replace("avcC", "\0\0\0\0", StringComparison.Ordinal)),
            TestContext.Current.CancellationToken);

        var run = await VideoRun.OfAsync(_folder["nameless.mp4"]);

        Assert.Equal(20, run.ExitCode);
        var error = Assert.Single(run.Lines)["error"]!;
        Assert.Equal("UNREADABLE", (string?)error["code"]);
        Assert.EndsWith("can be decoded: the container does not say by what; its header may be damaged", (string?)error["message"], StringComparison.Ordinal);
    }

    /// <summary>FLV goes on behind a hole with a warning alone, FFV1 shows a frame whose checksum is wrong and learns from it, JPEG-LS shows it.</summary>
    [Theory]
    [InlineData("flv", "hole.flv", 3000)]
    [InlineData("ffv1", "hole.mkv", 300)]
    [InlineData("jpegls", "hole.mkv", 300)]
    public async Task Nothing_is_judged_that_damage_was_decoded_into(string codec, string name, int length)
    {
        SystemTool.Run("ffmpeg", "-v", "error", "-i", Data("video-whole.mp4"), "-c:v", codec, "-g", "10", "-slicecrc", "1", "-level", "3", _folder[$"whole-{name}"]);
        var data = await File.ReadAllBytesAsync(_folder[$"whole-{name}"], TestContext.Current.CancellationToken);
        for (var i = data.Length / 2; i < (data.Length / 2) + length; i += 2)
        {
            // The marker of a kind of JPEG that no decoder knows.
            (data[i], data[i + 1]) = (0xFF, 0xCD);
        }

        await File.WriteAllBytesAsync(_folder[name], data, TestContext.Current.CancellationToken);
        var whole = await VideoRun.OfAsync(_folder[$"whole-{name}"]);

        var run = await VideoRun.OfAsync(_folder[name]);

        Assert.Equal(20, run.ExitCode);
        run.AssertAnalysedOnlyWhatIsIn(whole);
        Assert.InRange(run.Frames.Count, 10, 38);
    }

    [Fact]
    public async Task Av1_is_decoded_where_the_system_can()
    {
        Assert.SkipUnless(
            Encoding.UTF8.GetString(SystemTool.Run("ffmpeg", "-v", "error", "-decoders")).Contains("av1", StringComparison.Ordinal), "this ffmpeg has no decoder for AV1");

        var run = await VideoRun.OfAsync(Data("video-av1.mp4"));

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(10);
    }

    [Theory]
    [InlineData("a b.mp4", "a b.mp4")]
    [InlineData("a b.mp4", "a%20b.mp4")]
    [InlineData("a%20b.mp4", "a%20b.mp4")]
    public async Task A_file_url_is_the_file_and_ends(string name, string url)
    {
        File.Copy(Data("video-whole.mp4"), _folder[name]);

        var run = await VideoRun.OfAsync($"file://{_folder[url]}");

        Assert.Equal(0, run.ExitCode);
        run.AssertComplete(40);
        Assert.All(run.Lines, line => Assert.Equal($"file://{_folder[url]}", (string?)line["path"]));
    }

    /// <summary>Playlists and lists of parts say what else to open.</summary>
    [Theory]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{0}/secret.ts\n#EXT-X-ENDLIST\n")]
    [InlineData("ffconcat version 1.0\nfile http://127.0.0.1:{0}/secret.ts\n")]
    public async Task A_file_cannot_make_this_machine_call_another(string content)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await File.WriteAllTextAsync(
            _folder["video.mp4"],
            content.Replace("{0}", $"{((IPEndPoint)listener.LocalEndpoint).Port}", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);

        var run = await VideoRun.OfAsync(_folder["video.mp4"]);

        Assert.Equal(20, run.ExitCode);
        Assert.Equal("UNREADABLE", (string?)Assert.Single(run.Lines)["error"]!["code"]);
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task A_disk_that_fails_is_said()
    {
        // Its first page cannot be read, as a broken sector.
        var run = await VideoRun.OfAsync("/proc/self/mem");

        Assert.Equal(20, run.ExitCode);
        var error = Assert.Single(run.Lines)["error"]!;
        Assert.Equal("UNREADABLE", (string?)error["code"]);
        Assert.Contains("Input/output error", (string?)error["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_edit_list_leaves_out_is_no_loss()
    {
        SystemTool.Run("ffmpeg", "-v", "error", "-ss", "1.25", "-i", Data("video-whole.mp4"), "-t", "1.5", "-c", "copy", _folder["trimmed.mp4"]);

        var run = await VideoRun.OfAsync(_folder["trimmed.mp4"]);

        Assert.Equal(0, run.ExitCode);
        Assert.InRange(run.Frames.Count, 14, 20);
        Assert.All(run.Outcomes, outcome => Assert.Equal("RESULT", outcome));
    }

    [Fact]
    public async Task A_sound_file_is_no_video()
    {
        SystemTool.Run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=0.2", _folder["sound.wav"]);

        var run = await VideoRun.OfAsync(_folder["sound.wav"]);

        Assert.Equal(20, run.ExitCode);
        Assert.Equal("the file cannot be opened as a video: there is no video in it", (string?)Assert.Single(run.Lines)["error"]!["message"]);
    }

    /// <summary>What is left of the whole video: each frame in its place, and only such judged as are in it.</summary>
    private static async Task<VideoRun> DamagedAsync(string name, int leastAnalysed)
    {
        var whole = await VideoRun.OfAsync(Data("video-whole.mp4"));
        var run = await VideoRun.OfAsync(Data(name));

        Assert.Equal(20, run.ExitCode);
        run.AssertComplete(40);
        run.AssertAnalysedOnlyWhatIsIn(whole);
        Assert.InRange(run.Frames.Count, leastAnalysed, 10);
        Assert.Equal(whole.Times, run.Times.Select(time => Math.Round(time, 6)));
        return run;
    }

    private static string Data(string name) => TestData.Golden("video", name);
}
