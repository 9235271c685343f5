using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

public sealed class SessionEconomiesTests
{
    private static readonly FrameEnd Result = new FrameEnd.Analysed(
        new FrameAnalysis
        {
            Score = 0,
            Verdict = Verdict.Authentic,
            Width = 1,
            Height = 1,
            Sha256 = new byte[32],
            Timings = new StageTimings(default, default, default, default, default, default, default),
            Execution = new ExecutionDescription("CPU", "fp32", string.Empty),
        },
        new AnalysisSettings { Thresholds = VerdictThresholds.Default, MaxResponseBytes = AnalysisSettings.DefaultResponseBytes });

    [Fact]
    public void Each_loss_leaves_out_one_thing_more_and_sixteen_results_bring_one_back()
    {
        var economies = new SessionEconomies(Economies.NoAdaptationStep | Economies.NoDualVerdict | Economies.NoMask);
        Assert.Equal(Economies.None, economies.Current);
        economies.Note(Lost(DropCause.Superseded));
        Assert.Equal(Economies.NoAdaptationStep, economies.Current);
        economies.Note(new FrameEnd.Expired(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Equal(Economies.NoAdaptationStep | Economies.NoDualVerdict, economies.Current);
        economies.Note(Lost(DropCause.Stale));
        economies.Note(Lost(DropCause.Stale));
        Assert.Equal(Economies.NoAdaptationStep | Economies.NoDualVerdict | Economies.NoMask, economies.Current);

        Pass(economies, SessionEconomies.Recovery - 1);
        Assert.True(economies.Current.HasFlag(Economies.NoMask));
        Pass(economies, 1);
        Assert.Equal(Economies.NoAdaptationStep | Economies.NoDualVerdict, economies.Current);
        Pass(economies, SessionEconomies.Recovery - 1);
        economies.Note(Lost(DropCause.Superseded));
        Pass(economies, SessionEconomies.Recovery - 1);
        Assert.True(economies.Current.HasFlag(Economies.NoMask));
        Pass(economies, 1 + (3 * SessionEconomies.Recovery));
        Assert.Equal(Economies.None, economies.Current);
    }

    [Fact]
    public void Nothing_is_left_out_that_the_session_does_not_allow()
    {
        var economies = new SessionEconomies(Economies.NoMask);
        economies.Note(Lost(DropCause.Stale));
        Assert.Equal(Economies.NoMask, economies.Current);

        var none = new SessionEconomies(Economies.None);
        none.Note(Lost(DropCause.Stale));
        Assert.Equal(Economies.None, none.Current);
    }

    [Fact]
    public void What_more_speed_would_not_have_saved_is_no_loss()
    {
        var economies = new SessionEconomies(Economies.NoMask);
        economies.Note(Lost(DropCause.OverQuota));
        economies.Note(Lost(DropCause.SessionEnded));
        economies.Note(new FrameEnd.Failed(new FrameFailure(FailureKind.Invalid, "no picture")));
        Assert.Equal(Economies.None, economies.Current);
    }

    private static FrameEnd.Dropped Lost(DropCause cause) => new(cause, TimeSpan.Zero);

    private static void Pass(SessionEconomies economies, int results)
    {
        for (var i = 0; i < results; i++)
        {
            economies.Note(Result);
        }
    }
}
