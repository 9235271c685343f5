using LoupeGrpc.Engine.Adaptation;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

public sealed class AdaptationSettingsTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    private static readonly AdaptationSettings Defaults = new();
    private static readonly GuardSettings Guard = new();

    public static TheoryData<AdaptationSettings, string> OutOfRange => new()
    {
        { Defaults with { LearningRate = 0 }, "The learning rate 0 is outside its range: above 0, at most 0.1." },
        { Defaults with { LearningRate = double.NaN }, "The learning rate NaN is outside its range: above 0, at most 0.1." },
        { Defaults with { StepsPerFrame = 9 }, "9 steps per frame are outside the range 1 to 8." },
        { Defaults with { MinConfidence = float.NaN }, "The minimum confidence NaN is outside the range 0 to 0.5." },
        { Defaults with { EveryNth = 0 }, "every_nth is 0; it must be 1 or more." },
        { Defaults with { DualVerdictEveryNth = -1 }, "dual_verdict_every_nth is -1; it must be 0 or more." },
        { Defaults with { Guard = Guard with { MaxDrift = float.NaN } }, "max_drift is NaN; it must be 0 or more." },
        { Defaults with { Guard = Guard with { MaxDisagreement = float.NaN } }, "max_disagreement is NaN; it must be 0 or more." },
        { Defaults with { Guard = Guard with { MaxLossRatio = float.NaN } }, "max_loss_ratio is NaN; it must be 0 or more." },
        { Defaults with { Guard = Guard with { MaxDrift = -1 } }, "max_drift is -1; it must be 0 or more." },
        { Defaults with { Guard = Guard with { MaxSameLabel = 0 } }, "max_same_label is 0; it must be 1 or more." },
        { Defaults with { Guard = Guard with { CompareEveryNth = 0 } }, "compare_every_nth is 0; it must be 1 or more." },
        { Defaults with { Guard = Guard with { CompareEveryNth = int.MinValue } }, "compare_every_nth is -2147483648; it must be 1 or more." },
        { Defaults with { Guard = Guard with { Action = (GuardAction)7 } }, "The guard's action 7 is not known." },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void A_value_out_of_its_range_is_refused_by_name(AdaptationSettings settings, string error)
    {
        Assert.Equal([error], settings.Validate());
        Assert.Contains(error, Assert.Throws<ArgumentException>(() => fixture.Engine.CreateAdaptation(settings)).Message, StringComparison.Ordinal);

        var session = fixture.Engine.CreateAdaptation(Defaults);
        Assert.False(session.TryConfigure(settings, out string? problem));
        Assert.Equal(error, problem);
        Assert.Equal(Defaults, session.Settings);
    }

    [Fact]
    public void Every_value_out_of_its_range_is_told_at_once() => Assert.Equal(
        3, (Defaults with { LearningRate = -1, EveryNth = 0, Guard = Guard with { MaxDrift = float.NaN } }).Validate().Count);

    [Fact]
    public void Bounds_may_be_without_end() => Assert.Empty((Defaults with
    {
        Guard = new GuardSettings
        {
            MaxDrift = float.PositiveInfinity,
            MaxDisagreement = float.PositiveInfinity,
            MaxLossRatio = float.PositiveInfinity,
            MaxSameLabel = int.MaxValue,
        },
    }).Validate());
}
