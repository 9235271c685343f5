using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>Pictures of one batch do not see each other, nor each other's adapted tensors.</summary>
public sealed class BatchTests
{
    // Matrix products of another size may add up in another order.
    private const float Tolerance = 2e-5f;

    [Theory]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public void A_batch_is_its_pictures(string name)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tiny", name, "stages.safetensors"));
        using var weights = TestModel.TinyWeights(name);
        using var model = new BuiltModel(TestModel.TinyConfig(name), weights);
        var pixels = Tensor.Read(golden, PackageTensors.PixelValues);
        float[] scores = [0.1f, 0.5f, 0.9f];

        var encoded = model.Encode(pixels);
        var segmented = model.Segment(encoded[PackageTensors.Features], scores);

        for (int i = 0; i < scores.Length; i++)
        {
            var alone = model.Encode(pixels.Picture(i));
            AssertSame(encoded, alone, i);
            AssertSame(segmented, model.Segment(alone[PackageTensors.Features], [scores[i]]), i);
        }
    }

    [Fact]
    public void Each_picture_is_read_with_its_own_adapted_tensors()
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "stages.safetensors"));
        using var weights = TestModel.TinyWeights("tiny-s");
        using var model = new BuiltModel(TestModel.TinyConfig("tiny-s"), weights);
        var features = Tensor.Read(golden, PackageTensors.Features);
        float[] scores = [0.7f, 0.7f, 0.7f];
        var theta = Enumerable.Range(0, scores.Length).Select(i => Changed(model.Theta, i)).ToList();

        var together = model.Segment(features, scores, theta);
        var unchanged = model.Segment(features, scores);

        for (int i = 0; i < scores.Length; i++)
        {
            AssertSame(together, model.Segment(features.Picture(i), [scores[i]], [theta[i]]), i);
            float change = together[PackageTensors.MaskLogits].Picture(i).DistanceTo(unchanged[PackageTensors.MaskLogits].Picture(i));
            Assert.Equal(i > 0, change > Tolerance);
        }
    }

    [Theory]
    [InlineData("decoder.layernorm.weight")]
    [InlineData("decoder.layernorm.bias")]
    [InlineData("mask_embedder.0.0.weight")]
    [InlineData("mask_embedder.0.0.bias")]
    [InlineData("mask_embedder.1.0.weight")]
    [InlineData("mask_embedder.1.0.bias")]
    [InlineData("mask_embedder.2.0.weight")]
    [InlineData("mask_embedder.2.0.bias")]
    [InlineData("class_predictor.weight")]
    [InlineData("class_predictor.bias")]
    public void Every_adapted_tensor_has_its_say(string name)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "stages.safetensors"));
        using var weights = TestModel.TinyWeights("tiny-s");
        using var model = new BuiltModel(TestModel.TinyConfig("tiny-s"), weights);
        var features = Tensor.Read(golden, PackageTensors.Features).Picture(0);
        var theta = model.Theta.ToDictionary(static entry => entry.Key, static entry => entry.Value);
        theta[name] = Changed(theta[name], 0.5f);
        string output = name.StartsWith("class_predictor", StringComparison.Ordinal) ? PackageTensors.ClassLogits : PackageTensors.MaskLogits;

        var changed = model.Segment(features, [0.7f], [theta]);
        var unchanged = model.Segment(features, [0.7f]);

        Assert.True(changed[output].DistanceTo(unchanged[output]) > 1e-2f);
        // What adaptation's gradient stands on does not move before the first attention mask does.
        Assert.Equal(0, changed[PackageTensors.MaskFeatures].DistanceTo(unchanged[PackageTensors.MaskFeatures]));
    }

    private static Dictionary<string, Tensor> Changed(IReadOnlyDictionary<string, Tensor> theta, int index) =>
        theta.ToDictionary(static entry => entry.Key, entry => Changed(entry.Value, 0.01f * index));

    private static Tensor Changed(Tensor tensor, float by) =>
        tensor with { Values = [.. tensor.Values.Select((value, i) => value + by * MathF.Cos(i))] };

    private static void AssertSame(Dictionary<string, Tensor> batch, Dictionary<string, Tensor> alone, int picture) =>
        Assert.All(alone, output => Assert.InRange(output.Value.DistanceTo(batch[output.Key].Picture(picture)), 0, Tolerance));
}
