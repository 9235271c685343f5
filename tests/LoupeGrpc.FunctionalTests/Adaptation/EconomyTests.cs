using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Adaptation;

/// <summary>Sessions on the real model that lose frames and go without something.</summary>
public sealed class EconomyTests(NanoEngine nano)
{
    [Fact]
    public async Task Step_then_dual_verdict_then_mask_are_left_out_said_so_and_come_back()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = await server.OpenAsync(Open(Economy.NoMask, Economy.NoAdaptationStep, Economy.NoDualVerdict));

        // Nothing was lost so far.
        Check(await AnalyzeAsync(session), step: 0, dual: true, mask: true);
        await LoseAsync(session);
        Check(await AnalyzeAsync(session), step: 1, dual: true, mask: true, Economy.NoAdaptationStep);
        await LoseAsync(session);
        Check(await AnalyzeAsync(session), step: 1, dual: false, mask: true, Economy.NoAdaptationStep, Economy.NoDualVerdict);
        await LoseAsync(session);
        // Without a mask there is no dual verdict that could be left out.
        Check(await AnalyzeAsync(session), step: 1, dual: false, mask: false, Economy.NoAdaptationStep, Economy.NoMask);
        for (var i = 1; i < 3 * 16; i++)
        {
            await AnalyzeAsync(session);
        }

        Check(await AnalyzeAsync(session), step: 1, dual: true, mask: true);
        Check(await AnalyzeAsync(session), step: 2, dual: true, mask: true);

        static void Check(FrameResult result, ulong step, bool dual, bool mask, params Economy[] economies)
        {
            Assert.Equal(economies, result.Economies);
            Assert.Equal((dual, mask), (result.BaseMask is not null, result.Mask is not null));
            Assert.Equal(mask ? MaskOmission.Unspecified : MaskOmission.Policy, result.MaskOmission);
            // Of the state that the frame was answered with, which is the one before its own step.
            Assert.Equal(step, result.Adaptation.Step);
        }
    }

    [Fact]
    public async Task Who_allows_nothing_loses_frames_and_nothing_else()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = await server.OpenAsync(Open());
        await LoseAsync(session);
        await LoseAsync(session);

        var result = await AnalyzeAsync(session);
        Assert.Empty(result.Economies);
        Assert.NotNull(result.BaseMask);
    }

    [Fact]
    public async Task An_economy_that_is_not_known_is_refused()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = new RawSession(server.Client.Analyze(cancellationToken: TestContext.Current.CancellationToken));
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession { Economies = { (Economy)9 } } });

        Assert.Contains("economy 9 is not known", (await session.FailureAsync()).Failure.Status.Detail, StringComparison.Ordinal);
    }

    private static OpenSession Open(params Economy[] economies) => new()
    {
        Economies = { economies },
        Mask = new MaskSettings { Policy = MaskPolicy.Always },
        Adaptation = new AdaptationSettings { Enabled = true, DualVerdictEveryNth = 1, MinConfidence = -1 },
    };

    private static async Task<FrameResult> AnalyzeAsync(RawSession session)
    {
        var picture = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample("forged-second-rocket.png"), Patience.Token()));
        await session.SendFrameAsync(1, frame => frame.Encoded.Data = picture);
        return (await session.NextOutcomeAsync()).Result;
    }

    /// <summary>A frame whose deadline has passed when its turn comes.</summary>
    private static async Task LoseAsync(RawSession session)
    {
        await session.SendFrameAsync(2, static frame => frame.Deadline = Duration.FromTimeSpan(TimeSpan.FromTicks(1)));
        Assert.NotNull((await session.NextOutcomeAsync()).Expired);
    }
}
