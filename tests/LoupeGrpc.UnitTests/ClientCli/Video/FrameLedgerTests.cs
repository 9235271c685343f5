using System.Globalization;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Inputs.Video;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class FrameLedgerTests
{
    private static readonly VideoInput Input = VideoInput.OfNetwork(
        (SourceAddress.Network)SourceAddress.Parse("http://bob:s3cret@camera/clip.mp4"), VideoOptions.Default)!;

    [Fact]
    public void Frames_of_a_sound_video_are_believed_and_nothing_is_missing()
    {
        var ledger = Ledger(new VideoPromise { Frames = 3, End = 0.3 });

        var entries = Take(ledger, Shown(0, true), Shown(1), Shown(2));

        Assert.Equal([0, 0.1, 0.2], entries.Select(entry => Math.Round(entry.Seconds, 6)));
        Assert.All(entries, entry => Assert.Null(entry.Damage ?? entry.LostBefore?.Reason));
        Assert.Null(ledger.AtEnd(null));
    }

    [Theory]
    [InlineData("[error] Error while decoding stream #0:0: Invalid data found when processing input")]
    [InlineData("[vist#0:0/h264 @ 0x1] [error] Error submitting packet to decoder: Invalid data found when processing input")]
    [InlineData("[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [error] Error submitting packet to decoder: Invalid data found when processing input")]
    public void What_a_packet_should_have_given_is_lost_and_what_follows_is_not_believed_before_a_key_frame(string complaint)
    {
        var ledger = Ledger(new VideoPromise { Frames = 8, End = 0.8 });

        var entries = Take(ledger, Shown(0, true), Shown(1), "[h264 @ 0x1] [error] Error splitting the input into NAL units.", complaint, Shown(3), Shown(4), Shown(5, true), Shown(6), Shown(7));

        var loss = entries[2].LostBefore!;
        Assert.Equal((1, 2, 0.2), (loss.Count, loss.FirstNumber, loss.TimeOf(0)));
        Assert.Equal("cannot be decoded: Error splitting the input into NAL units.", loss.Reason);
        Assert.Equal([0L, 1, 3, 4, 5, 6, 7], entries.Select(entry => entry.Number));
        Assert.Equal([false, false, true, true, false, false, false], entries.Select(entry => entry.Damage is not null));
        Assert.Null(ledger.AtEnd(null));
    }

    /// <summary>ffmpeg says it before the key frame that it is about, or that was decoded before.</summary>
    [Fact]
    public void A_key_frame_right_behind_damage_is_not_believed()
    {
        var entries = Take(Ledger(VideoPromise.Unknown), Shown(0, true), Shown(1), "[warning] x: corrupt decoded frame in stream 0", Shown(2, true), Shown(3), Shown(4, true), Shown(5));

        Assert.Equal([false, false, true, true, false, false], entries.Select(entry => entry.Damage is not null));
    }

    [Fact]
    public void Where_each_frame_stands_for_itself_damage_stays_where_it_is()
    {
        var entries = Take(
            Ledger(new VideoPromise { Codec = "prores" }), Shown(0, true), "[prores @ 0x1] [error] ac tex damaged 335, 256", "[warning] x: corrupt decoded frame in stream 0", Shown(1, true), Shown(2, true));

        Assert.Equal([false, true, false], entries.Select(entry => entry.Damage is not null));
    }

    [Theory]
    [InlineData("[h264 @ 0x1] [error] mmco: unref short failure")]
    [InlineData("[h264 @ 0x1] [error] co located POCs unavailable")]
    [InlineData("[mpegts @ 0x1] [warning] Packet corrupt (stream = 0, dts = 162000).")]
    [InlineData("[swscaler @ 0x1] [warning] deprecated pixel format used, make sure you did set range correctly")]
    public void What_is_also_said_of_sound_videos_is_no_damage(string line)
    {
        var entries = Take(Ledger(VideoPromise.Unknown, "mpegts"), Shown(0, true), line, Shown(1), Shown(2));

        Assert.All(entries, entry => Assert.Null(entry.Damage ?? entry.LostBefore?.Reason));
    }

    [Fact]
    public void A_gap_is_a_loss_only_where_something_was_wrong()
    {
        var sound = Take(Ledger(VideoPromise.Unknown, "matroska,webm"), Shown(0, true), Shown(5), Shown(6));
        var torn = Take(Ledger(VideoPromise.Unknown, "matroska,webm"), Shown(0, true), "[matroska,webm @ 0x1] [error] 0x00 at pos 20679 (0x50c7) invalid as first byte of an EBML number", Shown(5), Shown(6));

        Assert.All(sound, entry => Assert.Null(entry.Damage ?? entry.LostBefore?.Reason));
        Assert.Equal((4, 1, 0.1), (torn[1].LostBefore!.Count, torn[1].LostBefore!.FirstNumber, torn[1].LostBefore!.TimeOf(0)));
        Assert.All(torn.Skip(1), entry => Assert.NotNull(entry.Damage));
    }

    /// <summary>Decoders of DV and JPEG-LS show what they complain about; those of ProRes and MJPEG say what became of it.</summary>
    [Fact]
    public void What_a_decoder_complains_about_and_shows_all_the_same_is_damaged()
    {
        const string Complaint = "[dvvideo @ 0x1] [error] AC EOB marker is absent pos=72";
        const string GivenUp = "[error] Error while decoding stream #0:0: Invalid data found when processing input";
        string[] opened = ["[info]   Stream #0:0 -> #0:0 (dvvideo (native) -> rawvideo (native))", "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1"];
        FrameLedger Dv() => new(new VideoPromise { Codec = "dvvideo" }, Input, isLive: false, inFlight: 1);

        var shown = Take(Dv(), [.. opened, Shown(0, true), Complaint, Shown(1, true), Shown(2, true)]);
        var givenUp = Take(Dv(), [.. opened, Shown(0, true), Complaint, GivenUp, Shown(2, true), Shown(3, true)]);

        Assert.Equal([false, true, false], shown.Select(entry => entry.Damage is not null));
        Assert.Equal([false, false, false], givenUp.Select(entry => entry.Damage is not null));
        Assert.Equal(1, givenUp[1].LostBefore!.Count);
    }

    [Fact]
    public void What_a_container_cannot_follow_is_a_loss_where_a_gap_shows_it()
    {
        var torn = Take(Ledger(VideoPromise.Unknown, "flv"), Shown(0, true), "[flv @ 0x1] [warning] Packet mismatch 0 1142 3971", Shown(5), Shown(6), Shown(7, true));
        var joined = Take(Ledger(VideoPromise.Unknown, "flv"), Shown(0, true), "[flv @ 0x1] [warning] Packet mismatch 0 1142 3971", Shown(1));

        Assert.Equal((4, 1), (torn[1].LostBefore!.Count, torn[1].LostBefore!.FirstNumber));
        Assert.Equal([false, true, true, false], torn.Select(entry => entry.Damage is not null));
        Assert.All(joined, entry => Assert.Null(entry.Damage ?? entry.LostBefore?.Reason));
    }

    [Theory]
    [InlineData("ffv1", "[ffv1 @ 0x1] [error] slice CRC mismatch FAB82BE7!at 1.900000 seconds")]
    [InlineData("qtrle", "[qtrle @ 0x1] [error] Problem: no frame data")]
    public void What_a_lossless_decoder_learned_from_damage_goes_on_to_the_next_key_frame(string codec, string complaint)
    {
        var ledger = new FrameLedger(new VideoPromise { Codec = codec }, Input, isLive: false, inFlight: 1);

        var entries = Take(
            ledger,
            $"[info]   Stream #0:0 -> #0:0 ({codec} (native) -> rawvideo (native))",
            "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1",
            Shown(0, true), complaint, Shown(1), Shown(2), Shown(3, true));

        Assert.Equal([false, true, true, false], entries.Select(entry => entry.Damage is not null));
    }

    [Fact]
    public void Behind_the_end_of_a_cut_file_everything_is_lost_and_nothing_before_it_damaged()
    {
        var ledger = Ledger(new VideoPromise { Frames = 40, End = 4 });

        var entries = Take(
            ledger,
            Shown(0, true),
            "[mov,mp4 @ 0x1] [warning] Packet corrupt (stream = 0, dts = 3072).",
            "[h264 @ 0x1] [error] Invalid NAL unit size (149 > 122).",
            "[error] Error while decoding stream #0:0: Invalid data found when processing input",
            "[mov,mp4 @ 0x1] [error] stream 0, offset 0xd4f: partial file",
            Shown(1),
            Shown(2));

        Assert.All(entries, entry => Assert.Null(entry.Damage ?? entry.LostBefore?.Reason));
        var loss = ledger.AtEnd(null)!;
        Assert.Equal((37, 3, 0.3, 3.9), (loss.Count, loss.FirstNumber, loss.TimeOf(0), loss.TimeOf(36)));
        Assert.Equal("is lost: the recording ends before it", loss.Reason);
    }

    /// <summary>What is looked at before the stream is played is looked at again.</summary>
    [Fact]
    public void What_is_said_while_a_file_is_opened_is_no_end()
    {
        var ledger = new FrameLedger(VideoPromise.Unknown, Input, isLive: false, inFlight: 2);

        var entries = Take(
            ledger,
            "[mpegts @ 0x1] [warning] Packet corrupt (stream = 0, dts = 162000).",
            "[info] Input #0, mpegts, from 'x':",
            "[info]   Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))",
            "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1",
            Shown(0, true),
            "[h264 @ 0x1] [info] concealing 80 DC, 80 AC, 80 MV errors in P frame",
            Shown(1),
            Shown(2));

        Assert.Equal([false, true, true], entries.Select(entry => entry.Damage is not null));
    }

    [Theory]
    // An edit list hides 17 frames of the index.
    [InlineData(20, 0.3)]
    // The last picture stands for eight seconds.
    [InlineData(3, 8.3)]
    // A promise of time alone is not one where nothing was wrong: sound may last longer.
    [InlineData(null, 8.3)]
    public void A_promise_that_is_not_broken_is_no_loss(int? frames, double end)
    {
        var ledger = Ledger(new VideoPromise { Frames = frames, End = end });
        Take(ledger, Shown(0, true), Shown(1), Shown(2));

        Assert.Null(ledger.AtEnd(null));
    }

    [Fact]
    public void A_failed_read_is_told_without_credentials()
    {
        var ledger = Ledger(new VideoPromise { End = 1 });
        Take(ledger, Shown(0, true), Shown(1), "[error] http://bob:s3cret@camera/clip.mp4: Input/output error", "[http @ 0x1] [error] http://bob:s3cret@camera/other?token=s3cret is gone");

        Assert.Equal((8, "is lost: Input/output error"), (ledger.AtEnd(null)!.Count, ledger.AtEnd(null)!.Reason));
        Assert.DoesNotContain("s3cret", ledger.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_that_just_stops_is_one_loss_of_unknown_length()
    {
        var ledger = Ledger(VideoPromise.Unknown);
        Take(ledger, Shown(0, true), Shown(1));

        Assert.Equal((1, 2, "is lost: nothing came for 5 s"), (ledger.AtEnd("nothing came for 5 s")!.Count, ledger.AtEnd("nothing came for 5 s")!.FirstNumber, ledger.AtEnd("nothing came for 5 s")!.Reason));
    }

    [Fact]
    public void What_a_live_stream_lost_before_it_was_joined_is_nobodys()
    {
        var ledger = Ledger(VideoPromise.Unknown, isLive: true);

        var entries = Take(
            ledger,
            "[error] Error while decoding stream #0:0: Invalid data found when processing input",
            "[h264 @ 0x1] [error] error while decoding MB 1 2",
            Shown(0, true),
            Shown(7),
            "[rtsp @ 0x1] [warning] RTP: missed 3 packets",
            "[error] Error while decoding stream #0:0: Invalid data found when processing input",
            Shown(8));

        Assert.Null(entries[0].LostBefore ?? entries[1].LostBefore);
        Assert.Equal([false, false, true], entries.Select(entry => entry.Damage is not null));
        Assert.Equal(1, entries[2].LostBefore!.Count);
    }

    [Fact]
    public void The_first_frame_of_a_stream_that_comes_without_a_time_stands_before_the_second()
    {
        var entries = Take(Ledger(VideoPromise.Unknown, isLive: true), Shown(0, true), Shown(0), Shown(1));

        Assert.Equal([0, 0.1, 0.2], entries.Select(entry => Math.Round(entry.Seconds, 6)));
        Assert.Equal([0, 0, 0.1], entries.Select(entry => Math.Round(entry.FfmpegSeconds, 6)));
    }

    [Fact]
    public void A_missing_decoder_is_named()
    {
        var old = Ledger(VideoPromise.Unknown);
        var newer = Ledger(VideoPromise.Unknown);
        Take(old, "[error] Decoder (codec av1) not found for input stream #0:0");
        Take(newer, "[vist#0:0/av1 @ 0x1] [error] Decoding requested, but no decoder found for: av1");

        Assert.Equal(("av1", "av1"), (old.MissingDecoder, newer.MissingDecoder));
    }

    /// <summary>With two frames in flight.</summary>
    private static FrameLedger Ledger(VideoPromise promise, string format = "mov,mp4", bool isLive = false)
    {
        var ledger = new FrameLedger(promise, Input, isLive, inFlight: 2);
        Take(
            ledger,
            $"[info] Input #0, {format}, from 'x':",
            $"[info]   Stream #0:0 -> #0:0 ({promise.Codec ?? "h264"} (native) -> rawvideo (native))",
            "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1");
        return ledger;
    }

    private static List<FrameEntry> Take(FrameLedger ledger, params string[] lines) => [.. lines.SelectMany(line => ledger.Take(FfmpegLine.Parse(line)))];

    private static string Shown(int tenths, bool isKey = false) => string.Create(
        CultureInfo.InvariantCulture, $"[Parsed_showinfo_0 @ 0x1] [info] n:   0 pts: {tenths} pts_time:0 fmt:yuv420p sar:1/1 s:96x64 i:P iskey:{(isKey ? 1 : 0)} type:P ");
}
