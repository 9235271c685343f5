using System.Text;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>
/// Two streams on the embedded model against reference code, frame by frame: <c>scale</c>, under which adaptation helps,
/// and <c>dark</c>, under which the classifier is lost and adaptation can only harm.
/// </summary>
public sealed class ReferenceStreamTests(EngineFixture fixture, RoundedEngines roundedEngines, ITestOutputHelper output) : IClassFixture<EngineFixture>
{
    // Of the reference's total IoU.
    private const double Bound = 0.002;

    [Theory]
    [InlineData("scale")]
    [InlineData("dark")]
    public async Task Each_frame_is_the_references(string name)
    {
        var stream = ReferenceStream.Read(name);
        var session = fixture.Engine.CreateAdaptation(new AdaptationSettings { Guard = null, DualVerdictEveryNth = 1 });
        var request = Frames.WithMask with { Adaptation = session };
        var (ours, theirs) = (new ForgedArea(ReferenceStream.Side, ReferenceStream.Side), new ForgedArea(ReferenceStream.Side, ReferenceStream.Side));
        double overlap = 0;
        foreach (var frame in stream.Frames)
        {
            var analysis = await fixture.Engine.AnalyzedAsync(Frames.File(frame.Path), request);
            Assert.Equal(frame.Score, analysis.Score, 1e-4);
            Assert.Equal(frame.StateStep, analysis.Adaptation!.Step);
            if (frame.Loss is { } loss)
            {
                Assert.Equal(loss, session.Report().LastLoss, loss * 1e-3);
            }

            Assert.Equal(frame.DriftAfter, session.Report().Drift, frame.DriftAfter * 1e-2);
            Assert.Null(GoldenMask.Compare(Encoding.ASCII.GetString(frame.Base), analysis.BaseMask!.Data.Span, ReferenceStream.Side, ReferenceStream.Side));
            byte[] mask = analysis.Mask!.Data.ToArray();
            overlap += Iou(frame.Adapted, mask, ReferenceStream.Side);
            ours.Add(frame.Truth, mask);
            theirs.Add(frame.Truth, frame.Adapted);
        }

        output.WriteLine($"{name}: mean IoU with the reference {overlap / stream.Frames.Count:0.0000}, total IoU {ours.Iou:0.0000}, the reference's {theirs.Iou:0.0000}");
        Assert.Equal(stream.AdaptedIou, theirs.Iou, 1e-3);
        Assert.True(overlap / stream.Frames.Count >= 0.99);
        Assert.True(ours.Iou >= theirs.Iou - Bound);
    }

    /// <summary>
    /// In half precision, rounded as on a GPU, the same frames teach and the masks that follow find as much. Single frames where a query's mask is near
    /// the threshold differ: the overlap with the reference's masks is 0.95 on average. It takes long, so without <c>dark</c>, where it is 0.9997.
    /// </summary>
    [Fact]
    public async Task Half_precision_adapts_as_the_reference_does()
    {
        const string Name = "scale";
        var engine = await roundedEngines.StartAsync(TestPackages.Nano);
        var stream = ReferenceStream.Read(Name);
        var session = engine.CreateAdaptation(new AdaptationSettings { Guard = null });
        var request = Frames.WithMask with { Adaptation = session };
        var (ours, theirs) = (new ForgedArea(ReferenceStream.Side, ReferenceStream.Side), new ForgedArea(ReferenceStream.Side, ReferenceStream.Side));
        var (overlap, loss, drift) = (0d, 0d, 0d);
        foreach (var frame in stream.Frames)
        {
            var analysis = await engine.AnalyzedAsync(Frames.File(frame.Path), request);
            Assert.Equal(frame.StateStep, analysis.Adaptation!.Step);
            if (frame.Loss is { } expected)
            {
                loss = Math.Max(loss, Math.Abs(session.Report().LastLoss / expected - 1));
            }

            drift = Math.Max(drift, Math.Abs(session.Report().Drift / frame.DriftAfter - 1));
            byte[] mask = analysis.Mask!.Data.ToArray();
            overlap += Iou(frame.Adapted, mask, ReferenceStream.Side);
            ours.Add(frame.Truth, mask);
            theirs.Add(frame.Truth, frame.Adapted);
        }

        output.WriteLine(
            $"{Name}: mean IoU with the reference {overlap / stream.Frames.Count:0.0000}, total IoU {ours.Iou:0.0000}, the reference's {theirs.Iou:0.0000}, loss off by {loss:0.0e+0}, drift by {drift:0.0e+0}");
        Assert.True(overlap / stream.Frames.Count >= 0.9);
        Assert.InRange(loss, 0, 0.15);
        Assert.InRange(drift, 0, 0.05);
        Assert.True(ours.Iou >= theirs.Iou - Bound);
    }

    [Theory]
    [InlineData("scale")]
    [InlineData("dark")]
    public async Task The_guard_keeps_the_gain_and_bounds_the_harm(string name)
    {
        var stream = ReferenceStream.Read(name);
        var session = fixture.Engine.CreateAdaptation(new AdaptationSettings());
        var request = Frames.WithMask with { Adaptation = session };
        var (adapted, unadapted) = (new ForgedArea(ReferenceStream.Side, ReferenceStream.Side), new ForgedArea(ReferenceStream.Side, ReferenceStream.Side));
        foreach (var frame in stream.Frames)
        {
            var analysis = await fixture.Engine.AnalyzedAsync(Frames.File(frame.Path), request);
            adapted.Add(frame.Truth, analysis.Mask!.Data.ToArray());
            unadapted.Add(frame.Truth, frame.Base);
        }

        output.WriteLine($"{name}: base {unadapted.Iou:0.0000}, adapted {adapted.Iou:0.0000}, step {session.Report().Step}, drift {session.Report().Drift:0.0000}, frozen {session.Frozen}");
        Assert.Equal(stream.BaseIou, unadapted.Iou, 1e-3);
        if (name == "scale")
        {
            // The gain of the reference, which has no guard.
            Assert.True(adapted.Iou - unadapted.Iou >= stream.AdaptedIou - stream.BaseIou - Bound);
        }

        Assert.True(adapted.Iou >= unadapted.Iou - Bound);
    }

    private static double Iou(byte[] first, byte[] second, int side) =>
        RunLength.Area(first, side, side) == 0 && RunLength.Area(second, side, side) == 0 ? 1 : RunLength.Iou(first, second, side, side);
}
