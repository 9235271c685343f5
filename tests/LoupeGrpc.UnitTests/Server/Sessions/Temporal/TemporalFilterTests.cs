using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Temporal;
using Xunit;
using static LoupeGrpc.UnitTests.Server.Sessions.Temporal.MadeFrames;

namespace LoupeGrpc.UnitTests.Server.Sessions.Temporal;

public sealed class TemporalFilterTests
{
    [Fact]
    public void Whatever_comes_it_says_what_the_plain_reference_says_and_goes_on_so_from_a_copy()
    {
        var (verdicts, segments, scenes) = (new HashSet<Verdict>(), 0, 0);
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            int least = random.Next(1, 5);
            var settings = new TemporalSettings(
                TimeSpan.FromMilliseconds(random.Next(1, 3000)), least + random.Next(0, 20), least, random.Next(4) == 0 ? 1 : 0.06f, MaxSegments: 1000);
            var (filter, reference) = (new TemporalFilter(settings), new TemporalReference(settings));
            foreach (var frame in Anything(random, 150))
            {
                if (random.Next(20) == 0)
                {
                    filter = new TemporalFilter(settings, Copy(filter.Save(), settings));
                }

                var actual = filter.Add(frame);
                var expected = reference.Add(frame);
                Assert.Equal(
                    (seed, frame.Sequence, expected.Verdict, expected.Frames, (ulong)expected.Scene, expected.Since),
                    (seed, frame.Sequence, actual.Verdict, actual.Frames, actual.Scene, actual.Since));
                Assert.Equal(expected.Score, actual.Score, 1e-6);
                Assert.True(actual.Counted);
                verdicts.Add(actual.Verdict);
            }

            Assert.Equal((ulong)reference.Scenes, filter.Scenes);
            var (found, truncated) = filter.Segments();
            Assert.False(truncated);
            Assert.Equal(reference.Segments, found.Select(static segment => new TemporalReference.Segment(
                segment.First.Sequence, segment.Last.Sequence, (int)segment.Results, (int)segment.Manipulated, segment.Peak.Sequence, (int)segment.Scene)));
            Assert.All(found, Sound);
            Assert.All(found.Zip(found.Skip(1)), static pair => Assert.True(pair.First.Last.Sequence < pair.Second.First.Sequence));
            (segments, scenes) = (segments + found.Count, scenes + reference.Scenes);
        }

        // It did not go by doing nothing.
        Assert.Equal(3, verdicts.Count);
        Assert.InRange(segments, 500, int.MaxValue);
        Assert.InRange(scenes, 1000, int.MaxValue);
    }

    [Fact]
    public void Manipulation_that_lasts_is_found_when_it_fills_more_than_half_of_the_window_however_weak()
    {
        var filter = new TemporalFilter(Settings);
        Assert.Equal(Verdict.Authentic, filter.AddAll(0, Times(12, 0.001f)).Verdict);
        Assert.Equal(Verdict.Authentic, filter.AddAll(12, Times(6, 0.6f)).Verdict);
        var verdict = filter.AddAll(18, 0.6f);
        Assert.Equal((Verdict.Manipulated, 12ul), (verdict.Verdict, verdict.Since));
    }

    [Fact]
    public void Where_it_is_strong_the_least_number_of_frames_is_enough_and_fewer_never_are()
    {
        var filter = new TemporalFilter(Settings);
        filter.AddAll(0, Times(6, 0.39f));
        Assert.NotEqual(Verdict.Manipulated, filter.AddAll(6, 0.39f, 0.999f).Verdict);
        // The mean has reached the threshold, by two frames.
        var two = filter.AddAll(8, 0.999f);
        Assert.True(two.Score > 0.6f);
        Assert.NotEqual(Verdict.Manipulated, two.Verdict);
        var three = filter.AddAll(9, 0.999f);
        Assert.Equal((Verdict.Manipulated, 7ul), (three.Verdict, three.Since));
    }

    [Fact]
    public void One_frame_does_not_outweigh_the_others_and_one_more_does_not_end_it()
    {
        var filter = new TemporalFilter(Settings);
        Assert.Equal(Verdict.Authentic, filter.AddAll(0, [.. Times(10, 0.2f), 1f]).Verdict);
        Assert.Equal(Verdict.Manipulated, filter.AddAll(11, Times(12, 0.9f)).Verdict);
        Assert.Equal(Verdict.Manipulated, filter.AddAll(23, 0.4f, 0.9f, 0.4f).Verdict);
        // Between the thresholds it stays as it is.
        Assert.Equal(Verdict.Manipulated, filter.AddAll(26, Times(30, 0.41f)).Verdict);
        Assert.Equal(Verdict.Authentic, filter.AddAll(56, Times(12, 0.39f)).Verdict);
        Assert.Equal(Verdict.Authentic, filter.AddAll(68, Times(12, 0.49f)).Verdict);
        Assert.Equal(Verdict.Uncertain, filter.AddAll(80, Times(12, 0.51f)).Verdict);
        Assert.Equal(Verdict.Uncertain, filter.AddAll(92, Times(12, 0.41f)).Verdict);
        var segment = Assert.Single(filter.Segments().Segments);
        Assert.Equal((10ul, 24ul, 15ul, 14ul), (segment.First.Sequence, segment.Last.Sequence, segment.Results, segment.Manipulated));
    }

    [Fact]
    public void A_scene_cut_empties_the_window_and_ends_the_segment()
    {
        var filter = new TemporalFilter(Settings);
        ulong next = 0;
        Assert.Equal((Verdict.Manipulated, 0ul), Add(0, 0.9f, 4));
        Assert.Equal((Verdict.Uncertain, 1ul), Add(1, 0.9f, 2));
        Assert.Equal((Verdict.Manipulated, 1ul), Add(1, 0.9f, 1));
        Assert.Equal((Verdict.Uncertain, 2ul), Add(2, 0.1f, 2));
        Assert.Equal((Verdict.Authentic, 2ul), Add(2, 0.1f, 1));
        var (segments, _) = filter.Segments();
        Assert.Equal([(0ul, 3ul, 0ul), (4ul, 6ul, 1ul)], segments.Select(static segment => (segment.First.Sequence, segment.Last.Sequence, segment.Scene)));

        (Verdict, ulong) Add(int scene, float score, int count)
        {
            TemporalVerdict verdict = default;
            for (int i = 0; i < count; i++)
            {
                verdict = filter.Add(Frame(next++, score, scene: scene));
            }

            return (verdict.Verdict, verdict.Scene);
        }
    }

    [Fact]
    public void Frames_that_do_not_count_neither_raise_nor_clear_it()
    {
        var filter = new TemporalFilter(Settings);
        Assert.Equal(new TemporalVerdict(Verdict.Uncertain, 0, 0, Counted: false, 0, 0), filter.Hold());
        var found = filter.AddAll(5, 0.9f, 0.9f, 0.9f);
        Assert.Equal(found with { Counted = false }, filter.Hold());
        // Three are missing between.
        Assert.Equal(Verdict.Manipulated, filter.AddAll(11, 0.9f).Verdict);
        var segment = Assert.Single(filter.Segments().Segments);
        Assert.Equal((5ul, 11ul, 4ul, 3ul), (segment.First.Sequence, segment.Last.Sequence, segment.Results, segment.Missing));
    }

    [Theory]
    // The last four of these frames, and what is in the window then.
    [InlineData(new[] { 0, 0.5, 1, 1.5 }, 3)]
    [InlineData(new[] { 0, 0.25, 0.5, 1 }, 4)]
    [InlineData(new[] { 0, 0.25, 0.5, 1.0000001 }, 3)]
    [InlineData(new[] { 0d, 5, 10, 15 }, 3)]
    [InlineData(new[] { 3d, 3, 3, 3 }, 4)]
    [InlineData(new[] { 3d, 2.9, 2.5, 2 }, 4)]
    public void What_is_older_than_the_window_leaves_it_as_long_as_enough_stays(double[] seconds, int expected)
    {
        var filter = new TemporalFilter(Settings);
        TemporalVerdict verdict = default;
        foreach (var (place, time) in seconds.Index())
        {
            verdict = filter.Add(Frame((ulong)place, 0.5f, time));
        }

        Assert.Equal((expected, 0ul), (verdict.Frames, verdict.Scene));
    }

    [Theory]
    [InlineData(new[] { 0, 0.1, 0.2, 8.3 }, 1)]
    [InlineData(new[] { 0, 0.1, 0.2, 8.1 }, 0)]
    // A slow source is no broken one; from its first pause nobody can tell.
    [InlineData(new[] { 0d, 60, 120, 180, 240 }, 1)]
    // A clock that was set back.
    [InlineData(new[] { 100, 100.1, 98.9, 99 }, 1)]
    [InlineData(new[] { -62_135_596_800d, 253_402_300_799d, -62_135_596_800d, 253_402_300_799d }, 3)]
    public void A_gap_in_time_begins_a_scene(double[] seconds, ulong scene)
    {
        var filter = new TemporalFilter(Settings);
        TemporalVerdict verdict = default;
        foreach (var (place, time) in seconds.Index())
        {
            verdict = filter.Add(Frame((ulong)place, 0.5f, time));
        }

        Assert.Equal(scene, verdict.Scene);
    }

    [Fact]
    public void Segments_are_kept_up_to_their_limit_and_it_says_so()
    {
        var filter = new TemporalFilter(Settings with { MaxSegments = 2 });
        ulong next = 0;
        for (int i = 0; i < 2; i++)
        {
            filter.AddAll(next, [.. Times(8, 0.95f), .. Times(20, 0.05f)]);
            next += 28;
        }

        Assert.Equal((2, false), (filter.Segments().Segments.Count, filter.Segments().Truncated));
        filter.AddAll(next, Times(8, 0.95f));
        Assert.Equal((2, true), (filter.Segments().Segments.Count, filter.Segments().Truncated));
        filter.AddAll(next + 8, Times(20, 0.05f));
        Assert.Equal((2, true), (filter.Segments().Segments.Count, filter.Segments().Truncated));
        Assert.Equal([0ul, 28ul], filter.Segments().Segments.Select(static segment => segment.First.Sequence));
    }

    [Fact]
    public void A_segment_does_not_reach_to_single_frames_far_before_and_behind_it()
    {
        var filter = new TemporalFilter(Settings);
        filter.AddAll(0, [.. Times(8, 0.1f), 0.7f, .. Times(4, 0.1f), .. Times(10, 0.99f), .. Times(6, 0.1f), 0.7f]);
        Assert.Equal((13ul, 22ul), Bounds());
        filter.AddAll(30, Times(20, 0.1f));
        Assert.Equal((13ul, 22ul), Bounds());

        (ulong, ulong) Bounds()
        {
            var segment = Assert.Single(filter.Segments().Segments);
            return (segment.First.Sequence, segment.Last.Sequence);
        }
    }

    [Fact]
    public void A_frame_allocates_nothing()
    {
        var filter = new TemporalFilter(Settings);
        var (layouts, next) = (new[] { Layout(0), Layout(1) }, 0ul);
        Run(1000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run(int count)
        {
            for (int i = 0; i < count; i++, next++)
            {
                // One segment that goes on, and another that is left out: what is kept has its place.
                filter.Add(new JudgedFrame(next, new CaptureTime((long)next, 0), next % 3 == 0 ? 0.5f : 0.99f, VerdictThresholds.Default, layouts[0]));
            }
        }
    }

    [Theory]
    [InlineData(65_536, 32)]
    [InlineData(131_072, 256)]
    [InlineData(4 << 20, 256)]
    public void A_summary_has_room_for_all_its_segments(int responseBytes, int expected) =>
        Assert.Equal(expected, (Settings with { MaxSegments = 256 }).Within(responseBytes).MaxSegments);

    /// <summary>Frames of sessions that behave, and of those that do not.</summary>
    private static IEnumerable<JudgedFrame> Anything(Random random, int count)
    {
        ulong sequence = (ulong)random.Next(3);
        bool hasTimes = random.Next(3) > 0, hasPictures = random.Next(3) > 0;
        int scene = 0;
        double mean = -1, spread = random.NextDouble() * 2;
        long ticks = random.Next(2) == 0 ? 0 : random.NextInt64(-600_000_000_000_000_000, 2_500_000_000_000_000_000);
        var thresholds = VerdictThresholds.Default;
        for (int i = 0; i < count; i++)
        {
            mean = random.Next(15) == 0 ? (random.NextDouble() * 8) - 4 : mean;
            scene += random.Next(25) == 0 ? 1 : 0;
            thresholds = random.Next(40) == 0 ? new[] { new VerdictThresholds(0, 0), new(1, 1), new(0, 1), new(0.5f, 0.5f), new(0.1f, 0.9f), VerdictThresholds.Default }[random.Next(6)] : thresholds;
            float score = random.Next(30) switch
            {
                0 => 0,
                1 => 1,
                2 => thresholds.High,
                3 => thresholds.Low,
                _ => (float)(1 / (1 + Math.Exp(-(mean + (spread * ((random.NextDouble() * 2) - 1)))))),
            };
            ticks += random.Next(40) switch
            {
                0 => 0,
                1 => -random.NextInt64(0, 30_000_000),
                2 => random.NextInt64(0, 500_000_000),
                3 => random.NextInt64(0, 500_000_000_000),
                _ => random.NextInt64(0, 4_000_000),
            };
            long seconds = (long)Math.Floor(ticks / 1e7);
            yield return new JudgedFrame(
                sequence,
                hasTimes && random.Next(30) > 0 ? new CaptureTime(seconds, (int)Math.Clamp((ticks - (seconds * 10_000_000)) * 100, 0, 999_999_999)) : null,
                score,
                thresholds,
                hasPictures && random.Next(30) > 0 ? Layout(scene, noise: 4, random) : default);
            sequence += (ulong)(random.Next(50) == 0 ? random.Next(1, 2000) : random.Next(8) == 0 ? random.Next(2, 6) : 1);
        }
    }

    private static TemporalState Copy(TemporalState state, TemporalSettings settings)
    {
        Assert.True(state.IsValid(settings));
        return JsonSerializer.Deserialize<TemporalState>(JsonSerializer.SerializeToUtf8Bytes(state))!;
    }

    private static void Sound(TemporalSegment segment)
    {
        Assert.InRange(segment.Evidence.Count, 1, EvidenceFrames.Most);
        Assert.Contains(segment.Peak, segment.Evidence);
        Assert.Equal(segment.Evidence.OrderBy(static frame => frame.Sequence), segment.Evidence);
        Assert.All(segment.Evidence, frame => Assert.InRange(frame.Sequence, segment.First.Sequence, segment.Last.Sequence));
        Assert.Equal(segment.Last.Sequence - segment.First.Sequence + 1, segment.Results + segment.Missing);
    }
}
