using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Modeling;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>
/// Packages of half precision against what the authors' code computed: rounded as on a GPU (<see cref="HalfRounding"/>), and as ONNX Runtime runs them on the CPU.
/// </summary>
public sealed class HalfPrecisionTests(RoundedEngines roundedEngines, ITestOutputHelper output)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_embedded_model_answers_the_samples_nearly_as_the_reference_does(bool rounded)
    {
        await using var own = rounded ? null : await StartAsync(TestPackages.Nano);
        var engine = own ?? await roundedEngines.StartAsync(TestPackages.Nano);
        Assert.Equal(PackageLayout.Fp16, engine.Execution.Precision);
        var expected = Expected("nano");
        var pictures = expected.GetProperty("pictures").EnumerateArray().ToList();

        var (score, iou) = await CompareAsync(engine, pictures, static entry => TestData.Sample(entry.GetProperty("image").GetString()!));

        output.WriteLine($"largest difference of a score {score:g2}, mean IoU {iou:0.0000}");
        Assert.InRange(score, 0, 5e-3);
        Assert.InRange(iou, 0.99, 1);
        foreach (int index in (int[])[0, 30, 54, 71])
        {
            var frame = await engine.AnalyzedAsync(Frames.File(TestData.Golden("nano", "clip", $"frame-{index}.png")));
            Assert.Equal(expected.GetProperty("clip")[index].GetProperty("score").GetDouble(), frame.Score, 5e-3);
        }
    }

    /// <summary>Masks of models with random weights flip where a cell of the attention mask tips over: their overlap is shown, not asserted.</summary>
    [Theory]
    [InlineData("tiny-l", true)]
    [InlineData("tiny-g", true)]
    [InlineData("tiny-s", true)]
    [InlineData("tiny-l", false)]
    [InlineData("tiny-g", false)]
    [InlineData("tiny-s", false)]
    public async Task Tiny_models_score_pictures_nearly_as_the_reference_does(string model, bool rounded)
    {
        await using var own = rounded ? null : await StartAsync(TestPackages.Tiny(model));
        var engine = own ?? await roundedEngines.StartAsync(TestPackages.Tiny(model));
        var entries = Expected("e2e").EnumerateArray().Where(entry => entry.GetProperty("model").GetString() == model).ToList();

        var (score, iou) = await CompareAsync(engine, entries, static entry => TestData.Golden("e2e", entry.GetProperty("image").GetString()!));

        output.WriteLine($"{model}: largest difference of a score {score:g2}, mean IoU {iou:0.0000}");
        Assert.InRange(score, 0, 1e-2);
    }

    /// <summary>Rounded as on a GPU the recorded answers are met with room to spare: the tolerance is for other machines, not for this rounding.</summary>
    [Theory]
    [InlineData("nano")]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public async Task The_self_check_holds(string model)
    {
        var engine = await roundedEngines.StartAsync(model == "nano" ? TestPackages.Nano : TestPackages.Tiny(model));
        var report = engine.SelfCheck;

        output.WriteLine($"{model}: {report.Output} is off by {report.Distance:g2}");
        Assert.InRange(report.Distance, 0, report.Tolerance / 2);
    }

    private static Task<LoupeEngine> StartAsync(ModelPackage package) =>
        EngineFixture.StartAsync(package: package, target: ExecutionTarget.Cpu with { Precision = PackageLayout.Fp16 });

    private static async Task<(double Score, double Iou)> CompareAsync(LoupeEngine engine, List<JsonElement> entries, Func<JsonElement, string> path)
    {
        double score = 0;
        double overlap = 0;
        foreach (var entry in entries)
        {
            var analysis = await engine.AnalyzedAsync(Frames.File(path(entry)));
            score = Math.Max(score, Math.Abs(entry.GetProperty("score").GetDouble() - analysis.Score));
            overlap += GoldenMask.Iou(entry.GetProperty("counts").GetString()!, analysis.Mask!.Data.Span, analysis.Width, analysis.Height);
        }

        return (score, overlap / entries.Count);
    }

    private static JsonElement Expected(string folder) =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Golden(folder, "expected.json"))).RootElement;
}
