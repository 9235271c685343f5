using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

public class ControlTests
{
    [Fact]
    public async Task New_thresholds_hold_from_the_next_frame_on_and_are_answered_between_the_frames()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        await session.SendAsync(new Control { ControlId = 5, SetThresholds = new Thresholds { Low = 0.1f, High = 0.2f } });
        await session.SendFrameAsync(2);
        await session.SendAsync(new Control { ControlId = 6, SetThresholds = new Thresholds() });
        var first = await analyzer.NextAsync();
        var second = await analyzer.NextAsync();
        Assert.Equal((0.4f, 0.6f), (first.Request.Thresholds.Low, first.Request.Thresholds.High));
        Assert.Equal((0.1f, 0.2f), (second.Request.Thresholds.Low, second.Request.Thresholds.High));
        second.Succeed();
        first.Succeed();

        Assert.Equal(1ul, (await session.NextOutcomeAsync()).FrameId);
        var reply = await session.NextReplyAsync();
        Assert.Equal((5ul, 0.1f, 0.2f), (reply.ControlId, reply.Thresholds.Low, reply.Thresholds.High));
        Assert.Null(reply.Failed);
        var outcome = await session.NextOutcomeAsync();
        Assert.Equal((2ul, 0.1f, 0.2f), (outcome.FrameId, outcome.Result.Thresholds.Low, outcome.Result.Thresholds.High));
        reply = await session.NextReplyAsync();
        Assert.Equal((6ul, 0.4f, 0.6f), (reply.ControlId, reply.Thresholds.Low, reply.Thresholds.High));
    }

    [Theory]
    [InlineData(0.5f, 0, false, 0.5f, 0.6f)]
    [InlineData(0, 0.7f, true, 0.4f, 0.7f)]
    [InlineData(0.1f, 0.7f, true, 0.4f, 0.7f)]
    [InlineData(0, 0, true, 0.4f, 0.6f)]
    // What servers took before there was `default_low`.
    [InlineData(0, 0.7f, false, 0, 0.7f)]
    public async Task A_threshold_that_is_not_given_is_the_servers(float low, float high, bool defaultLow, float expectedLow, float expectedHigh)
    {
        var thresholds = new Thresholds { Low = low, High = high, DefaultLow = defaultLow };
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync(new OpenSession { Thresholds = thresholds });
        Assert.Equal((expectedLow, expectedHigh), (session.Grant.Thresholds.Low, session.Grant.Thresholds.High));
        await session.SendAsync(new Control { SetThresholds = thresholds });
        var reply = await session.NextReplyAsync();
        Assert.Null(reply.Failed);
        Assert.Equal((expectedLow, expectedHigh), (reply.Thresholds.Low, reply.Thresholds.High));
        Assert.False(reply.Thresholds.DefaultLow);
    }

    [Theory]
    [InlineData(0.7f, 0, false, "0.6 is the server's default: give high too")]
    [InlineData(0, 0.3f, true, "0.4 is the server's default: give low too")]
    [InlineData(0.7f, 0.3f, false, "thresholds 0.7 and 0.3 do not satisfy 0 <= low <= high <= 1")]
    public async Task Thresholds_that_do_not_fit_the_servers_are_told_which_is_which(float low, float high, bool defaultLow, string expected)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync();
        await session.SendAsync(new Control { SetThresholds = new Thresholds { Low = low, High = high, DefaultLow = defaultLow } });
        var failed = (await session.NextReplyAsync()).Failed;
        Assert.Equal(FailureCode.Invalid, failed.Code);
        Assert.EndsWith(expected, failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_mask_holds_from_the_next_frame_on()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendAsync(new Control { SetMask = new MaskSettings { Policy = MaskPolicy.Never } });
        await session.SendFrameAsync(1);
        Assert.Null((await session.NextReplyAsync()).Failed);
        var analysis = await analyzer.NextAsync();
        Assert.Equal(Engine.MaskPolicy.Never, analysis.Request.MaskPolicy);
        analysis.Succeed();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_flush_is_answered_when_the_frames_before_it_are(bool unordered)
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { Unordered = unordered });
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        await session.SendAsync(new Control { ControlId = 9, Flush = new Flush() });
        await session.SendFrameAsync(3);
        List<ScriptedAnalysis> inside = [await analyzer.NextAsync(), await analyzer.NextAsync(), await analyzer.NextAsync()];
        inside[2].Succeed();
        if (unordered)
        {
            Assert.Equal(3ul, (await session.NextOutcomeAsync()).FrameId);
        }

        inside[0].Succeed();
        Assert.Equal(1ul, (await session.NextOutcomeAsync()).FrameId);
        inside[1].Succeed();
        Assert.Equal(2ul, (await session.NextOutcomeAsync()).FrameId);
        Assert.Equal(9ul, (await session.NextReplyAsync()).ControlId);
    }

    [Fact]
    public async Task What_makes_no_sense_is_answered_and_changes_nothing()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.5f) });
        using var session = await server.OpenAsync();
        Control[] controls =
        [
            new() { SetThresholds = new Thresholds { Low = 0.5f, High = float.NaN } },
            new() { SetMask = new MaskSettings { Encoding = (MaskEncoding)50 } },
            new(),
            // The session does not adapt.
            new() { SetAdaptation = new SetAdaptation() },
            new() { FreezeAdaptation = new FreezeAdaptation() },
            new() { ResumeAdaptation = new ResumeAdaptation() },
            new() { ResetAdaptation = new ResetAdaptation() },
            new() { RollbackAdaptation = new RollbackAdaptation() },
            new() { SnapshotAdaptation = new SnapshotAdaptation() },
        ];
        foreach (var (index, control) in controls.Index())
        {
            control.ControlId = (ulong)index;
            await session.SendAsync(control);
            var reply = await session.NextReplyAsync();
            Assert.Equal(((ulong)index, FailureCode.Invalid), (reply.ControlId, reply.Failed.Code));
            Assert.NotEmpty(reply.Failed.Message);
            Assert.Equal((0.4f, 0.6f), (reply.Thresholds.Low, reply.Thresholds.High));
        }

        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
    }
}
