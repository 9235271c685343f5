using System.Globalization;
using System.Text.Json.Nodes;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>
/// The published size, PE-Core-L14-336, with weights made by formula: 1.4 GB on disk and some 4 GB of memory, hence only where asked for (<c>./test.sh --l14</c>).
/// </summary>
[Collection(nameof(FullSizeTests))]
[CollectionDefinition(nameof(FullSizeTests), DisableParallelization = true)]
public sealed class FullSizeTests
{
    private const string Switch = "LOUPE_TEST_L14";
    private const float ScoreTolerance = 1e-4f;
    private const float SampleTolerance = 2e-3f;
    private const double HalfScoreTolerance = 5e-3;

    private static readonly LoupeConfig Config = LoupeConfigReader.Read(TestData.Golden("l14", "config.json"));

    [Fact]
    public void Formulas_give_the_stated_values()
    {
        var facts = JsonNode.Parse(File.ReadAllText(TestData.Golden("l14", "facts.json")))!;
        var weights = Weights();

        Assert.Equal((long)facts["parameters"]!, weights.Tensors.Sum(static tensor => tensor.Length));
        foreach (var (name, expected) in facts["first_values"]!.AsObject())
        {
            Assert.True(weights.TryGet(name, out var tensor));
            var values = new float[expected!.AsArray().Count];
            weights.ReadFloats(tensor, 0, values);
            Assert.Equal(expected.AsArray().Select(static value => (float)value!), values);
        }

        var pixels = FormulaWeights.PixelValues(Config.Backbone.ImageSize).Values;
        Assert.Equal(facts["pixel_values_first"]!.AsArray().Select(static value => (float)value!), pixels[..4]);
        Assert.Equal((double)facts["pixel_values_sum"]!, pixels.Sum(static value => (double)value), 1e-2);
    }

    [Theory]
    [InlineData(PackageLayout.Fp32, 1_400_000_000)]
    [InlineData(PackageLayout.Fp16, 2_100_000_000)]
    public void Conversion_holds_no_copy_of_the_weights(string precision, long leastBytes)
    {
        SkipUnlessAskedFor();
        string parent = Directory.CreateTempSubdirectory("loupe-l14-").FullName;
        try
        {
            // Makes the kernel count the peak anew.
            File.WriteAllText("/proc/self/clear_refs", "5");
            long before = PeakBytes();
            long weightBytes = 0;
            using (PackageBuild.Start(
                Config,
                Weights(),
                Path.Combine(parent, "package"),
                new PackageOptions("l14", "1", Demonstration: true, "tests") { Precisions = [precision] },
                progress => weightBytes = progress.BytesTotal,
                TestContext.Current.CancellationToken))
            {
                long peak = PeakBytes() - before;
                TestContext.Current.TestOutputHelper?.WriteLine($"{weightBytes >> 20} MiB of weights, peak {peak >> 20} MiB above {before >> 20} MiB");
                Assert.True(weightBytes > leastBytes, $"only {weightBytes} bytes of weights");
                Assert.True(peak < weightBytes / 8, $"conversion took {peak >> 20} MiB");
            }
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }

    [Theory]
    [InlineData(PackageLayout.Fp32)]
    [InlineData(PackageLayout.Fp16)]
    public void Outputs_are_the_authors(string precision)
    {
        SkipUnlessAskedFor();
        using var golden = SafetensorsFile.Open(TestData.Golden("l14", "expected.safetensors"));
        string[] stages = ["pooled", "global_logit", "fpn.0", "pixel_decoder.level.2", "decoder.class_logits"];
        using var model = new BuiltModel(Config, Weights(), stages.Contains, precision);

        var results = model.Encode(FormulaWeights.PixelValues(Config.Backbone.ImageSize));
        float[] scores = [.. results[PackageTensors.ClsLogit].Values.Select(static logit => 1 / (1 + MathF.Exp(-logit)))];
        results["pseudo_label"] = new Tensor([scores.Length], scores);
        foreach (var (stage, value) in model.Segment(results[PackageTensors.Features], scores))
        {
            results.Add(stage, value);
        }

        results["features.sample"] = results[PackageTensors.Features].Sample(1, 37, 16);
        results["mask_features.sample"] = results[PackageTensors.MaskFeatures].Sample(1, 8, 6, 6);
        results["mask_logits.sample"] = results[PackageTensors.MaskLogits].Sample(1, 1, 4, 4);
        results["fpn.0.sample"] = results["fpn.0"].Sample(1, 32, 8, 8);
        results["pixel_decoder.level.2.sample"] = results["pixel_decoder.level.2"].Sample(1, 16, 4, 4);
        foreach (string name in golden.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            var expected = Tensor.Read(golden, name);
            float distance = results[name].DistanceTo(expected);
            double relative = SelfCheck.Distance(expected.Values, results[name].Values);
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{precision} {name}: largest difference {distance:g3}, largest value {expected.Values.Max(MathF.Abs):g3}, by root mean square {relative:g3}"));
            if (precision == PackageLayout.Fp32)
            {
                float tolerance = name == PackageTensors.PseudoLabel ? ScoreTolerance : SampleTolerance;
                Assert.True(distance <= tolerance, $"{name} is off by {distance}");
            }
            else
            {
                // Single cells of random weights tip over: the measure of the self-check, and its tolerance.
                Assert.True(relative <= (name == PackageTensors.PseudoLabel ? HalfScoreTolerance : SelfCheck.Fp16Tolerance), $"{name} is off by {relative}");
            }
        }
    }

    private static FormulaWeights Weights() => new(TestData.Golden("l14", "tensors.json"));

    private static void SkipUnlessAskedFor() =>
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Switch) == "1", $"Takes minutes and some 4 GB of memory: run ./test.sh --l14, which sets {Switch}=1.");

    private static long PeakBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(':', StringSplitOptions.TrimEntries)[1].Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
