using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class AdaptationLineTests
{
    [Fact]
    public void It_keeps_the_latest_dual_verdict_and_fits_a_terminal()
    {
        var line = new AdaptationLine();
        Assert.Null(line.Text);

        line.Update(Rows.Result().Outcome);
        Assert.Null(line.Text);

        line.Update(Outcome(new AdaptationState { Step = 40, Drift = 0.02f }));
        Assert.Equal("step 40, drift 0.0200", line.Text);

        line.Update(Outcome(new AdaptationState { Step = 41, Drift = 0.02345f, LastLoss = 12.3456f }, disagreement: 0.1234f));
        line.Update(Rows.Dropped().Outcome);
        line.Update(Outcome(new AdaptationState { Step = 42, Drift = 0.03f, LastLoss = 0.7f, Frozen = true }));
        Assert.Equal("step 42, drift 0.0300, loss 0.700, dual 12.3 %, frozen", line.Text);
    }

    private static LoupeGrpc.Client.LoupeOutcome Outcome(AdaptationState state, float? disagreement = null) => Rows.Result(change: result =>
    {
        result.Adaptation = state;
        if (disagreement is { } share)
        {
            (result.BaseMask, result.MaskDisagreement) = (new Mask(), share);
        }
    }).Outcome;
}
