using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

/// <summary>What people are told of a stream's manipulated stretches.</summary>
public sealed class StretchTests
{
    private static readonly DateTimeOffset Origin = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private static readonly SessionSummary Summary = new()
    {
        Timeline = { new ManipulatedSegment { FirstSequence = 1, LastSequence = 1, Start = At(0.04), End = At(0.04), PeakScore = 0.7f, Frames = 1 } },
        Segments =
        {
            new TemporalSegment
            {
                FirstSequence = 24,
                LastSequence = 47,
                Start = At(2),
                End = At(3.92),
                Peak = Frame(30, 2.5, 0.998f),
                Evidence = { Frame(24, 2, 0.9f), Frame(30, 2.5, 0.998f) },
                Results = 22,
                Manipulated = 20,
                Missing = 2,
            },
        },
        Scenes = 3,
    };

    [Fact]
    public void Over_time_they_are_the_segments_with_the_frames_to_look_at() => Assert.Equal(
        [
            "over time: 1 manipulated segment, 3 scenes",
            "manipulated over time from 2.00 s to 3.92 s: 20 of 22 frames, 2 without a verdict, highest score 0.998 at 2.50 s; look at 2.00 s, 2.50 s",
        ],
        RunSummary.Segments(new RunReport(Judged, Summary, Origin)));

    [Fact]
    public void Without_times_frames_have_their_numbers() => Assert.Equal(
        [
            "over time: 1 manipulated segment, 3 scenes",
            "manipulated over time from frame 24 to frame 47: 20 of 22 frames, 2 without a verdict, highest score 0.998 at frame 30; look at frame 24, frame 30",
        ],
        RunSummary.Segments(new RunReport(Judged, Summary, null)));

    [Fact]
    public void Frame_by_frame_they_are_the_timeline() =>
        Assert.Equal(["manipulated from 0.04 s to 0.04 s: 1 frames, highest score 0.700"], RunSummary.Segments(new RunReport(new SessionGrant(), Summary, Origin)));

    [Fact]
    public void Where_nothing_is_manipulated_it_says_so_and_where_there_are_more_too()
    {
        Assert.Equal(["over time: no manipulated segments, 1 scene"], RunSummary.Segments(new RunReport(Judged, new SessionSummary { Scenes = 1 }, Origin)));
        Assert.Equal(
            ["over time: no manipulated segments, 1 scene", "manipulated: further stretches, see the results"],
            RunSummary.Segments(new RunReport(Judged, new SessionSummary { Scenes = 1, SegmentsTruncated = true }, Origin)));
    }

    private static SessionGrant Judged => new() { Temporal = new TemporalSettings { Enabled = true } };

    private static Timestamp At(double seconds) => Timestamp.FromDateTimeOffset(Origin.AddSeconds(seconds));

    private static TemporalFrame Frame(ulong sequence, double seconds, float score) => new() { Sequence = sequence, Time = At(seconds), Score = score };
}
