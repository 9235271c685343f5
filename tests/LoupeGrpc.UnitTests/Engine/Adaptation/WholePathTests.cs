using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Modeling;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>
/// Six steps from the pixels on, with nothing of the reference in between: our encoder, our segmentor with the parameters of the step before, our
/// gradient, our optimiser.
/// </summary>
public sealed class WholePathTests(ITestOutputHelper output)
{
    private const int Steps = 6;

    // Of the reference's norm.
    private const double Tolerance = 1e-3;

    [Theory]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public void Loss_gradients_and_parameters_stay_the_references(string name)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", name, "steps.safetensors"));
        using var weights = TestModel.TinyWeights(name);
        using var model = new BuiltModel(TestModel.TinyConfig(name), weights);
        var layout = new ThetaLayout([.. PackageTensors.Adapted.Select(
            tensor => new AdaptedTensor(tensor, [.. model.Theta[tensor].Shape.Select(static side => (int)side)]))]);
        var state = new AdaptationState(layout, PackageTensors.Adapted.SelectMany(tensor => model.Theta[tensor].Values).ToArray());
        double learningRate = LearningRate(name);
        var (largestLoss, largestGradient, largestParameter) = (0.0, 0.0, 0.0);
        for (int step = 0; step < Steps; step++)
        {
            Tensor Read(string what) => Tensor.Read(golden, string.Create(CultureInfo.InvariantCulture, $"step.{step}.{what}"));
            var theta = layout.Tensors.ToDictionary(static tensor => tensor.Name, tensor => model.Theta[tensor.Name] with { Values = Slice(tensor, state.Theta.Span) });
            var encoded = model.Encode(Read(PackageTensors.PixelValues));
            float[] scores = [Sigmoid(encoded[PackageTensors.ClsLogit].Values[0])];
            var patches = encoded[PackageTensors.PatchLogits] with { Values = [.. encoded[PackageTensors.PatchLogits].Values.Select(Sigmoid)] };
            var segmented = model.Segment(encoded[PackageTensors.Features], scores, [theta]);
            var adapted = model.Adapt(segmented[PackageTensors.HiddenStates], segmented[PackageTensors.MaskFeatures], patches, scores, [theta]);

            largestLoss = Math.Max(largestLoss, Distance(Read("loss").Values, adapted[PackageTensors.Loss].Values));
            float[] gradient = adapted[PackageTensors.Gradients].Values;
            largestGradient = layout.Tensors.Aggregate(
                largestGradient, (largest, tensor) => Math.Max(largest, Distance(Read("grad." + tensor.Name).Values, Slice(tensor, gradient))));
            Assert.True(state.TryStep(gradient, learningRate, out _));
            largestParameter = layout.Tensors.Aggregate(
                largestParameter, (largest, tensor) => Math.Max(largest, Distance(Read("updated." + tensor.Name).Values, Slice(tensor, state.Theta.Span))));
        }

        output.WriteLine($"{name}: off by {largestLoss:e1} (loss), {largestGradient:e1} (gradients), {largestParameter:e1} (parameters), relative to the reference's norm");
        Assert.InRange(largestLoss, 0, Tolerance);
        Assert.InRange(largestGradient, 0, Tolerance);
        Assert.InRange(largestParameter, 0, Tolerance);
    }

    private static double LearningRate(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(TestData.Golden("tta", name, "steps.json")));
        return document.RootElement.GetProperty("optimizer").GetProperty("lr").GetDouble();
    }

    private static float[] Slice(ThetaTensor tensor, ReadOnlySpan<float> flat) => flat.Slice(tensor.Offset, tensor.Length).ToArray();

    private static float Sigmoid(float logit) => 1 / (1 + MathF.Exp(-logit));

    /// <summary>||ours − theirs|| / ||theirs||; 0 where both are 0, infinite where one is not finite.</summary>
    private static double Distance(float[] theirs, float[] ours)
    {
        double distance = Math.Sqrt(ours.Zip(theirs, static (a, b) => ((double)a - b) * ((double)a - b)).Sum());
        double norm = Math.Sqrt(theirs.Sum(static value => (double)value * value));
        return double.IsNaN(distance) ? double.PositiveInfinity : distance == 0 ? 0 : distance / norm;
    }
}
