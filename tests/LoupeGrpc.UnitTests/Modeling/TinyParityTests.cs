using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>The graphs against the authors' own code, stage by stage.</summary>
public sealed class TinyParityTests
{
    private const float Tolerance = 1e-4f;

    [Theory]
    [InlineData("tiny-l", false)]
    [InlineData("tiny-g", false)]
    [InlineData("tiny-s", false)]
    [InlineData("tiny-l", true)]
    [InlineData("tiny-g", true)]
    [InlineData("tiny-s", true)]
    public void Every_stage_is_the_authors(string name, bool forProcessor)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tiny", name, "stages.safetensors"));
        using var weights = TestModel.TinyWeights(name);
        using var model = new BuiltModel(TestModel.TinyConfig(name), weights, static _ => true, forProcessor: forProcessor);

        var results = model.Encode(Tensor.Read(golden, PackageTensors.PixelValues));
        float[] scores = [.. results[PackageTensors.ClsLogit].Values.Select(static logit => 1 / (1 + MathF.Exp(-logit)))];
        results["pseudo_label"] = new Tensor([scores.Length], scores);
        foreach (var (stage, value) in model.Segment(results[PackageTensors.Features], scores))
        {
            results.Add(stage, value);
        }

        var distances = golden.Tensors.Keys
            .Where(static stage => stage != PackageTensors.PixelValues)
            .ToDictionary(static stage => stage, stage => results[stage].DistanceTo(Tensor.Read(golden, stage)));
        Assert.All(distances, static pair => Assert.True(pair.Value <= Tolerance, $"{pair.Key} is off by {pair.Value}"));
    }
}
