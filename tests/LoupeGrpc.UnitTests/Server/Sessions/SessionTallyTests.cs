using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.V1;
using Xunit;
using StageTimings = LoupeGrpc.Engine.StageTimings;
using Verdict = LoupeGrpc.Engine.Verdict;

namespace LoupeGrpc.UnitTests.Server.Sessions;

public class SessionTallyTests
{
    [Fact]
    public void Frames_without_a_result_do_not_end_a_run_and_authentic_ones_do()
    {
        var tally = new SessionTally();
        FrameAnswer[] outcomes =
        [
            Result(0, Verdict.Manipulated),
            new(1, 1, new FrameEnd.Dropped(DropCause.Superseded, TimeSpan.Zero)),
            new(2, 2, new FrameEnd.Failed(new FrameFailure(FailureKind.TooLarge, "too large"))),
            new(3, 3, new FrameEnd.Expired(TimeSpan.Zero, TimeSpan.Zero)),
            Result(4, Verdict.Manipulated),
            Result(5, Verdict.Uncertain),
            Result(6, Verdict.Manipulated),
        ];
        Array.ForEach(outcomes, outcome => tally.Add(outcome, null));
        var summary = tally.ToSummary(TimeSpan.FromSeconds(1), 70).ToMessage().Summary;
        Assert.Equal((7ul, 4ul, 1ul, 1ul, 1ul), (summary.Frames, summary.Results, summary.Dropped, summary.Expired, summary.Failed));
        Assert.Equal([(0ul, 4ul, 2ul), (6ul, 6ul, 1ul)], summary.Timeline.Select(static run => (run.FirstSequence, run.LastSequence, run.Frames)));
        Assert.Equal(
            [new ReasonCount { Reason = "SUPERSEDED", Count = 1 }, new ReasonCount { Reason = "TOO_LARGE", Count = 1 }], summary.Reasons);
        Assert.Equal(70ul, summary.FrameBytes);
        Assert.Equal(3ul, tally.Manipulated);
        Assert.False(summary.TimelineTruncated);
    }

    [Fact]
    public void The_timeline_is_cut_at_its_limit_and_says_so()
    {
        var tally = new SessionTally();
        for (ulong sequence = 0; sequence < 2 * 1025; sequence++)
        {
            tally.Add(Result(sequence, sequence % 2 == 0 ? Verdict.Manipulated : Verdict.Authentic), null);
        }

        var summary = tally.ToSummary(TimeSpan.Zero, 0).ToMessage().Summary;
        Assert.Equal(1024, summary.Timeline.Count);
        Assert.True(summary.TimelineTruncated);
        Assert.Equal(1025ul, Assert.Single(summary.Verdicts, static verdict => verdict.Verdict == V1.Verdict.Manipulated).Count);
    }

    private static FrameAnswer Result(ulong sequence, Verdict verdict) => new(sequence, sequence, new FrameEnd.Analysed(
        new FrameAnalysis
        {
            Score = 0.5f,
            Verdict = verdict,
            Width = 1,
            Height = 1,
            Sha256 = default,
            Timings = new StageTimings(default, default, default, default, default, default, default),
            Execution = new ExecutionDescription("CPU", "fp32", string.Empty),
        },
        new AnalysisSettings { Thresholds = VerdictThresholds.Default, MaxResponseBytes = AnalysisSettings.DefaultResponseBytes }));
}
