using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Verdict = LoupeGrpc.V1.Verdict;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>Verdicts over time, on the wire: of the real engine on the clip that is shipped, and of scripted scores.</summary>
public sealed class TemporalTests(NanoEngine nano)
{
    private static readonly OpenSession Asked = new() { Temporal = new TemporalSettings { Enabled = true }, Mask = new MaskSettings { Policy = V1.MaskPolicy.Never } };

    /// <summary>The frames of <c>clip.avi</c>, which are JPEGs: 72 at 12 a second, of which 24 to 47 are forged.</summary>
    private static readonly Lazy<IReadOnlyList<ByteString>> Clip = new(ReadClip);

    [Fact]
    public async Task The_clips_forged_part_is_one_segment_and_nothing_else_about_its_frames_changes()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var plain = await RunAsync(server, new OpenSession { Mask = Asked.Mask }, Clip.Value);
        var judged = await RunAsync(server, Asked, Clip.Value);

        var verdicts = judged.SkipLast(1).Select(static response => response.Outcome.Result.Temporal).ToList();
        Assert.Equal(Enumerable.Range(0, 72).Select(static place => (uint)Math.Min(place + 1, 13)), verdicts.Select(static verdict => verdict.Frames));
        Assert.All(verdicts, static verdict => Assert.Equal((true, 0ul), (verdict.Counted, verdict.Scene)));
        int found = verdicts.FindIndex(static verdict => verdict.Verdict == Verdict.Manipulated);
        int left = verdicts.FindLastIndex(static verdict => verdict.Verdict == Verdict.Manipulated);
        // Stated: at most half of the window, and what lasts at most all of it.
        Assert.InRange(found, 24, 24 + 6);
        Assert.InRange(left, 47, 47 + 13);
        Assert.All(verdicts[found..(left + 1)], static verdict => Assert.Equal((Verdict.Manipulated, 24ul), (verdict.Verdict, verdict.SinceSequence)));
        Assert.All(verdicts[..2], static verdict => Assert.Equal(Verdict.Uncertain, verdict.Verdict));
        Assert.All(verdicts[2..24], static verdict => Assert.Equal(Verdict.Authentic, verdict.Verdict));

        var summary = judged[^1].Summary;
        var segment = Assert.Single(summary.Segments);
        Assert.Equal((24ul, 47ul, 24ul, 24ul, 0ul, 0ul), (segment.FirstSequence, segment.LastSequence, segment.Results, segment.Manipulated, segment.Missing, segment.Scene));
        Assert.Equal((TimeOf(24), TimeOf(47)), (segment.Start, segment.End));
        Assert.Equal((1ul, false), (summary.Scenes, summary.SegmentsTruncated));
        Assert.InRange(segment.Evidence.Count, 2, 4);
        Assert.Contains(segment.Peak, segment.Evidence);
        Assert.All(segment.Evidence, frame => Assert.Equal(
            (TimeOf((int)frame.Sequence), judged[(int)frame.Sequence].Outcome.Result.Score), (frame.Time, frame.Score)));

        // Its frames are what they are without.
        Assert.Equal(plain.SkipLast(1).Select(Essence), judged.SkipLast(1).Select(Essence));
        Assert.All(plain.SkipLast(1), static response => Assert.Null(response.Outcome.Result.Temporal));
        Assert.Equal((0, 0ul), (plain[^1].Summary.Segments.Count, plain[^1].Summary.Scenes));
        Assert.Equal(plain[^1].Summary.Timeline, summary.Timeline);
    }

    [Fact]
    public async Task A_cut_to_another_picture_is_a_new_scene_whatever_way_the_frames_come()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        ByteString[] frames =
        [
            .. Clip.Value.Take(6), .. Pictures("forged-cat-in-coffee.jpg", 5), .. Pictures("authentic-hubble.png", 4), .. Pictures("forged-stars-noise.png", 4), .. Clip.Value.Skip(60).Take(4),
        ];
        ulong[] scenes = [.. Enumerable.Repeat(0ul, 6), .. Enumerable.Repeat(1ul, 5), .. Enumerable.Repeat(2ul, 8), .. Enumerable.Repeat(3ul, 4)];

        var whole = await RunAsync(server, Asked, frames);
        Assert.Equal(scenes, whole.SkipLast(1).Select(static response => response.Outcome.Result.Temporal.Scene));
        Assert.Equal([(6ul, 10ul, 1ul), (15ul, 18ul, 2ul)], whole[^1].Summary.Segments.Select(static segment => (segment.FirstSequence, segment.LastSequence, segment.Scene)));

        // In tiles the picture itself is compared.
        var tiled = Asked.Clone();
        tiled.Tiles = new TileSettings { Policy = V1.TilePolicy.Native };
        Assert.Equal(scenes, (await RunAsync(server, tiled, frames)).SkipLast(1).Select(static response => response.Outcome.Result.Temporal.Scene));

        // Without an order only the summary knows, and it says the same.
        var unordered = Asked.Clone();
        unordered.Unordered = true;
        var loose = await RunAsync(server, unordered, frames);
        Assert.All(loose.SkipLast(1), static response => Assert.Null(response.Outcome.Result.Temporal));
        Assert.Equal(whole[^1].Summary.Segments, loose[^1].Summary.Segments);
        Assert.Equal(4ul, loose[^1].Summary.Scenes);
    }

    [Fact]
    public async Task Frames_are_judged_in_the_order_of_receipt_and_what_is_no_result_changes_nothing()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { Temporal = new TemporalSettings { Enabled = true, MaxFrames = 5, MinFrames = 2 } });
        for (ulong id = 0; id < 6; id++)
        {
            await session.SendFrameAsync(id);
        }

        List<ScriptedAnalysis> inside = [];
        for (int i = 0; i < 6; i++)
        {
            inside.Add(await analyzer.NextAsync());
        }

        inside.Reverse();
        foreach (var analysis in inside)
        {
            switch (analysis.Mark)
            {
                case 2:
                    analysis.Fail(FailureKind.Invalid);
                    break;
                case 3:
                    analysis.Succeed(ScriptedAnalyzer.Result(0.01f) with { Verdict = Engine.Verdict.Uncertain, VerdictIsOpen = true });
                    break;
                default:
                    analysis.Succeed(0.9f);
                    break;
            }
        }

        await session.CompleteAsync();
        var rest = await session.RestAsync();
        Assert.Equal(
            [(Verdict.Uncertain, true, 1u), (Verdict.Manipulated, true, 2u), (Verdict.Unspecified, false, 0u), (Verdict.Manipulated, false, 2u), (Verdict.Manipulated, true, 3u), (Verdict.Manipulated, true, 4u)],
            rest.SkipLast(1).Select(static response => response.Outcome.Result?.Temporal).Select(static verdict => (verdict?.Verdict ?? Verdict.Unspecified, verdict?.Counted ?? false, verdict?.Frames ?? 0)));
        var segment = Assert.Single(rest[^1].Summary.Segments);
        Assert.Equal((0ul, 5ul, 4ul, 4ul, 2ul), (segment.FirstSequence, segment.LastSequence, segment.Results, segment.Manipulated, segment.Missing));
    }

    [Fact]
    public async Task New_thresholds_hold_for_the_frames_behind_them()
    {
        var analyzer = new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.5f) };
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { Temporal = new TemporalSettings { Enabled = true, MinFrames = 2, MaxFrames = 4 } });
        List<Verdict> verdicts = [];
        for (ulong id = 0; id < 9; id++)
        {
            if (id == 4)
            {
                await session.SendAsync(new Control { SetThresholds = new Thresholds { Low = 0.1f, High = 0.45f } });
                await session.NextReplyAsync();
            }

            await session.SendFrameAsync(id);
            verdicts.Add((await session.NextOutcomeAsync()).Result.Temporal.Verdict);
        }

        // One frame is not enough.
        Assert.Equal([.. Enumerable.Repeat(Verdict.Uncertain, 5), .. Enumerable.Repeat(Verdict.Manipulated, 4)], verdicts);
    }

    [Fact]
    public async Task What_is_granted_is_said_and_what_cannot_be_is_refused_all_at_once()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Temporal = new TemporalOptions { Window = TimeSpan.FromSeconds(2), Frames = 20, MaxFrames = 50, MinFrames = 4 } });
        Assert.Null((await GrantAsync(null)).Temporal);
        Assert.Null((await GrantAsync(new TemporalSettings { MaxFrames = 1_000_000 })).Temporal);
        Assert.Equal(
            new TemporalSettings { Enabled = true, Window = new Duration { Seconds = 2 }, MaxFrames = 20, MinFrames = 4 }, (await GrantAsync(new TemporalSettings { Enabled = true })).Temporal);
        Assert.Equal(
            new TemporalSettings { Enabled = true, Window = new Duration { Nanos = 500_000_000 }, MaxFrames = 3, MinFrames = 3 },
            (await GrantAsync(new TemporalSettings { Enabled = true, Window = new Duration { Nanos = 500_000_000 }, MaxFrames = 3 })).Temporal);
        Assert.Equal(30u, (await GrantAsync(new TemporalSettings { Enabled = true, MinFrames = 30 })).Temporal.MaxFrames);

        Assert.Contains("temporal: max_frames is 51, more than 50: Loupe:Temporal:MaxFrames", await RefusalAsync(new TemporalSettings { Enabled = true, MaxFrames = 51 }), StringComparison.Ordinal);
        Assert.Contains("temporal: min_frames is 6, more than the 5", await RefusalAsync(new TemporalSettings { Enabled = true, MaxFrames = 5, MinFrames = 6 }), StringComparison.Ordinal);
        Assert.Contains("temporal: min_frames is 60, more than the 50", await RefusalAsync(new TemporalSettings { Enabled = true, MinFrames = 60 }), StringComparison.Ordinal);
        foreach (var window in (Duration[])[new Duration { Seconds = -1 }, new Duration(), new Duration { Seconds = 3601 }, new Duration { Seconds = long.MaxValue, Nanos = -7 }])
        {
            Assert.Contains("temporal: window is not above zero and at most 1 h", await RefusalAsync(new TemporalSettings { Enabled = true, Window = window }), StringComparison.Ordinal);
        }

        async Task<SessionGrant> GrantAsync(TemporalSettings? wish)
        {
            using var session = await server.OpenAsync(new OpenSession { Temporal = wish });
            return session.Grant;
        }

        async Task<string> RefusalAsync(TemporalSettings wish)
        {
            using var call = server.Call();
            await call.SendAsync(new AnalyzeRequest { Open = new OpenSession { Temporal = wish } });
            var (_, failure) = await call.FailureAsync();
            Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
            return failure.Status.Detail;
        }
    }

    [Fact]
    public async Task A_summary_with_all_the_segments_that_it_may_have_fits_the_smallest_response()
    {
        var analyzer = new ScriptedAnalyzer { Answer = static input => ScriptedAnalyzer.Result(input.Data.Span[0] / 10f) };
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { MaxResponseBytes = 65_536, Temporal = new TemporalSettings { Enabled = true, MinFrames = 1, MaxFrames = 1 } });
        for (int i = 0; i < 2400; i++)
        {
            int place = i;
            await session.SendFrameAsync((ulong)(i % 2 == 0 ? 9 : 1), frame => frame.CaptureTime = new Timestamp { Seconds = 253_402_200_000 + place, Nanos = 999_999_999 });
            await session.NextOutcomeAsync();
        }

        await session.CompleteAsync();
        var last = (await session.RestAsync())[^1];
        Assert.Equal((1024, 32, true), (last.Summary.Timeline.Count, last.Summary.Segments.Count, last.Summary.SegmentsTruncated));
        Assert.InRange(last.CalculateSize(), 1, 65_536);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(25)]
    [InlineData(47)]
    public async Task A_connection_that_breaks_leaves_no_trace_in_it(int place)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var open = Asked.Clone();
        open.Resumable = true;
        var expected = await RunAsync(server, open, Clip.Value);
        using var connection = server.Connect();
        var session = await connection.OpenAsync(open);
        List<AnalyzeResponse> actual = [];
        for (int i = 0; i < place; i++)
        {
            await session.SendAsync(Frame(Clip.Value[i], i));
            actual.Add(await session.NextAsync());
        }

        await server.BreakAsync(connection);
        using var resumed = await server.ResumeAsync(session);
        Assert.Equal(32u, resumed.Grant.Temporal.MaxFrames);
        for (int i = place; i < Clip.Value.Count; i++)
        {
            await resumed.SendAsync(Frame(Clip.Value[i], i));
        }

        await resumed.CompleteAsync();
        actual.AddRange(await resumed.RestAsync());
        AssertSame(expected, actual);
    }

    /// <summary>To the last byte, but for what time leaves in them.</summary>
    internal static void AssertSame(IReadOnlyList<AnalyzeResponse> expected, IReadOnlyList<AnalyzeResponse> actual)
    {
        Assert.Equal(expected.SkipLast(1).Select(WithTemporal), actual.SkipLast(1).Select(WithTemporal));
        var (unbroken, other) = (expected[^1].Summary, actual[^1].Summary);
        unbroken.Duration = other.Duration = null;
        Assert.Equal(unbroken, other);
        Assert.NotEmpty(other.Segments);

        static string WithTemporal(AnalyzeResponse response)
        {
            var essence = response.Clone();
            Assert.NotNull(essence.Outcome.Result.Temporal);
            essence.Outcome.Result.Timings = null;
            return essence.ToByteString().ToBase64();
        }
    }

    internal static AnalyzeRequest ClipFrame(int number) => Frame(Clip.Value[number], number);

    private static async Task<List<AnalyzeResponse>> RunAsync(RunningServer server, OpenSession open, IReadOnlyList<ByteString> frames)
    {
        using var session = await server.OpenAsync(open);
        var sending = SendAsync();
        var responses = await session.RestAsync();
        await sending;
        return responses;

        async Task SendAsync()
        {
            foreach (var (number, data) in frames.Index())
            {
                await session.SendAsync(Frame(data, number));
            }

            await session.CompleteAsync();
        }
    }

    private static AnalyzeRequest Frame(ByteString data, int number) =>
        new() { Frame = new Frame { FrameId = (ulong)number, CaptureTime = TimeOf(number), Encoded = new EncodedImage { Data = data } } };

    private static Timestamp TimeOf(int number) => Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(number / 12.0));

    private static IEnumerable<ByteString> Pictures(string sample, int count) => Enumerable.Repeat(ByteString.CopyFrom(File.ReadAllBytes(TestData.Sample(sample))), count);

    private static string Essence(AnalyzeResponse response)
    {
        var essence = response.Clone();
        (essence.Outcome.Result.Timings, essence.Outcome.Result.Temporal) = (null, null);
        return essence.ToByteString().ToBase64();
    }

    private static List<ByteString> ReadClip()
    {
        var file = File.ReadAllBytes(TestData.Sample("clip.avi"));
        List<ByteString> frames = [];
        int at = file.AsSpan().IndexOf("movi"u8) + 4;
        while (at + 8 <= file.Length && Encoding.ASCII.GetString(file, at, 4) != "idx1")
        {
            int length = BitConverter.ToInt32(file, at + 4);
            if (Encoding.ASCII.GetString(file, at, 4) == "00dc")
            {
                frames.Add(ByteString.CopyFrom(file, at + 8, length));
            }

            at += 8 + length + (length % 2);
        }

        Assert.Equal(72, frames.Count);
        return frames;
    }
}
