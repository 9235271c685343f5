using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>Loss and gradient of adaptation against reference autograd, and the gradient against itself by finite differences.</summary>
public sealed class AdaptGraphTests(AdaptGraphTests.Models models, ITestOutputHelper output) : IClassFixture<AdaptGraphTests.Models>
{
    private const int Steps = 6;

    /// <summary>Mask features as halves move a gradient by 3.3e-5 at most.</summary>
    [Theory]
    [InlineData("tiny-l", PackageLayout.Fp32, 2e-5)]
    [InlineData("tiny-g", PackageLayout.Fp32, 2e-5)]
    [InlineData("tiny-s", PackageLayout.Fp32, 2e-5)]
    [InlineData("tiny-l", PackageLayout.Fp16, 1e-4)]
    [InlineData("tiny-g", PackageLayout.Fp16, 1e-4)]
    [InlineData("tiny-s", PackageLayout.Fp16, 1e-4)]
    public void Loss_matches_and_gradients_are_the_references_over_six_steps(string name, string precision, double tolerance)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", name, "steps.safetensors"));
        var model = models.Get(name, precision);
        var queries = MatchedQueries(name);
        var theta = model.Theta;
        for (int step = 0; step < Steps; step++)
        {
            Tensor Read(string what) => Tensor.Read(golden, string.Create(CultureInfo.InvariantCulture, $"step.{step}.{what}"));
            var results = model.Adapt(
                Hidden(golden, step), Read("mask_features"), Read("patch"), Read("pseudo").Values, [theta]);

            float loss = Read("loss").Values[0];
            Assert.Equal(loss, results[PackageTensors.Loss].Values[0], loss * 1e-5f);
            Assert.Equal(queries[step], results[PackageTensors.MatchedQuery].Values);
            AssertGradients(theta, results[PackageTensors.Gradients].Values, tensor => Read("grad." + tensor), tolerance);
            theta = PackageTensors.Adapted.ToDictionary(static tensor => tensor, tensor => Read("updated." + tensor));
        }
    }

    /// <summary>
    /// From <c>pixel_values</c> on, at the adapted tensors that the reference had. In half precision a random model's blocked cells and matched queries
    /// tip over now and then, after which single tensors differ as much as they are large: there it is the direction of the whole step that must hold.
    /// </summary>
    [Theory]
    [InlineData("tiny-l", PackageLayout.Fp32)]
    [InlineData("tiny-g", PackageLayout.Fp32)]
    [InlineData("tiny-s", PackageLayout.Fp32)]
    [InlineData("tiny-l", PackageLayout.Fp16)]
    [InlineData("tiny-g", PackageLayout.Fp16)]
    [InlineData("tiny-s", PackageLayout.Fp16)]
    public void From_the_pixels_on_loss_and_gradients_stay_near_the_references(string name, string precision)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", name, "steps.safetensors"));
        var model = models.Get(name, precision);
        var theta = model.Theta;
        for (int step = 0; step < Steps; step++)
        {
            Tensor Read(string what) => Tensor.Read(golden, string.Create(CultureInfo.InvariantCulture, $"step.{step}.{what}"));
            var encoded = model.Encode(Read("pixel_values"));
            float[] score = [Sigmoid(encoded[PackageTensors.ClsLogit].Values[0])];
            var patches = encoded[PackageTensors.PatchLogits];
            var segmented = model.Segment(encoded[PackageTensors.Features], score, [theta]);
            var results = model.Adapt(
                segmented[PackageTensors.HiddenStates],
                segmented[PackageTensors.MaskFeatures],
                patches with { Values = [.. patches.Values.Select(Sigmoid)] },
                score,
                [theta]);

            float[] gradients = results[PackageTensors.Gradients].Values;
            float[] reference = [.. PackageTensors.Adapted.SelectMany(tensor => Read("grad." + tensor).Values)];
            double relativeLoss = results[PackageTensors.Loss].Values[0] / Read("loss").Values[0] - 1;
            double cosine = gradients.Zip(reference, static (ours, theirs) => (double)ours * theirs).Sum() / Norm(gradients) / Norm(reference);
            output.WriteLine($"step {step}: loss {relativeLoss:+0.0e+0;-0.0e+0}, cosine {cosine:0.000000}");
            if (precision == PackageLayout.Fp32)
            {
                Assert.InRange(relativeLoss, -1e-5, 1e-5);
                AssertGradients(theta, gradients, tensor => Read("grad." + tensor), 1e-3);
            }
            else
            {
                Assert.InRange(relativeLoss, -0.03, 0.03);
                Assert.InRange(cosine, 0.95, 1 + 1e-6);
            }

            theta = PackageTensors.Adapted.ToDictionary(static tensor => tensor, tensor => Read("updated." + tensor));
        }
    }

    [Theory]
    [InlineData(0.9f)]
    [InlineData(0.1f)]
    public void The_gradient_is_the_slope_of_the_loss(float score)
    {
        const string Name = "tiny-s";
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", Name, "steps.safetensors"));
        var model = models.Get(Name, PackageLayout.Fp32);
        Dictionary<string, Tensor> Run(IReadOnlyDictionary<string, Tensor> theta) => model.Adapt(
            Hidden(golden, 0), Tensor.Read(golden, "step.0.mask_features"), Tensor.Read(golden, "step.0.patch"), [score], [theta]);

        var gradients = Split(model.Theta, Run(model.Theta)[PackageTensors.Gradients].Values);
        foreach (string tensor in PackageTensors.Adapted)
        {
            // Along the gradient itself the slope is its norm: the largest signal that fp32 can give.
            double norm = Norm(gradients[tensor]);
            if (norm < 1e-3)
            {
                // The mask embedder has none where there is no mask to learn.
                Assert.True(score < 0.5f && tensor.StartsWith("mask_embedder", StringComparison.Ordinal), tensor);
                Assert.Equal(0, norm);
                continue;
            }

            double step = 1e-2 * Norm(model.Theta[tensor].Values) / Math.Sqrt(gradients[tensor].Length) / norm;
            double slope = (LossAt(step) - LossAt(-step)) / (2 * step);
            Assert.Equal(norm * norm, slope, norm * norm * 0.03);

            float LossAt(double distance)
            {
                var moved = model.Theta.ToDictionary(static pair => pair.Key, static pair => pair.Value);
                moved[tensor] = moved[tensor] with
                {
                    Values = [.. moved[tensor].Values.Zip(gradients[tensor], (value, slope) => (float)(value + distance * slope))],
                };
                return Run(moved)[PackageTensors.Loss].Values[0];
            }
        }
    }

    [Fact]
    public void Each_picture_of_a_batch_is_read_with_its_own_parameters()
    {
        const string Name = "tiny-s";
        using var golden = SafetensorsFile.Open(TestData.Golden("tta", Name, "steps.safetensors"));
        var model = models.Get(Name, PackageLayout.Fp32);
        IReadOnlyDictionary<string, Tensor>[] theta =
            [model.Theta, PackageTensors.Adapted.ToDictionary(static tensor => tensor, tensor => Tensor.Read(golden, "step.5.updated." + tensor))];
        var (first, second) = (Inputs(0), Inputs(3));
        var together = model.Adapt(
            Concat(first.Hidden, second.Hidden), Concat(first.Features, second.Features), Concat(first.Patches, second.Patches), [0.9f, 0.2f], theta);

        for (int picture = 0; picture < 2; picture++)
        {
            var inputs = picture == 0 ? first : second;
            var alone = model.Adapt(inputs.Hidden, inputs.Features, inputs.Patches, [picture == 0 ? 0.9f : 0.2f], [theta[picture]]);
            foreach (string output in new[] { PackageTensors.Loss, PackageTensors.MatchedQuery, PackageTensors.Gradients })
            {
                float scale = alone[output].Values.Max(MathF.Abs);
                Assert.InRange(together[output].Picture(picture).DistanceTo(alone[output]), 0, 1e-5f * scale);
            }
        }

        (Tensor Hidden, Tensor Features, Tensor Patches) Inputs(int step) => (
            Hidden(golden, step), Tensor.Read(golden, $"step.{step}.mask_features"), Tensor.Read(golden, $"step.{step}.patch"));
    }

    private static float[][] MatchedQueries(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(TestData.Golden("tta", name, "steps.json")));
        return [.. document.RootElement.GetProperty("steps").EnumerateArray()
            .Select(static step => step.GetProperty("matched_query").EnumerateArray().Select(static query => query.GetSingle()).ToArray())];
    }

    private static void AssertGradients(IReadOnlyDictionary<string, Tensor> theta, float[] gradients, Func<string, Tensor> expected, double tolerance)
    {
        foreach (var (tensor, values) in Split(theta, gradients))
        {
            float[] reference = expected(tensor).Values;
            double distance = Norm([.. values.Zip(reference, static (ours, theirs) => ours - theirs)]);
            Assert.True(distance <= tolerance * Norm(reference), $"the gradient of {tensor} is off by {distance:e2} of {Norm(reference):e2}");
        }
    }

    private static Dictionary<string, float[]> Split(IReadOnlyDictionary<string, Tensor> theta, float[] gradients)
    {
        var result = new Dictionary<string, float[]>();
        int start = 0;
        foreach (string tensor in PackageTensors.Adapted)
        {
            int length = theta[tensor].Values.Length;
            result.Add(tensor, gradients[start..(start + length)]);
            start += length;
        }

        Assert.Equal(gradients.Length, start);
        return result;
    }

    private static float Sigmoid(float logit) => 1 / (1 + MathF.Exp(-logit));

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(static value => (double)value * value));

    private static Tensor Concat(Tensor first, Tensor second) => new([2, .. first.Shape[1..]], [.. first.Values, .. second.Values]);

    /// <summary>[1,L,Q,H]; the reference keeps the batch of one behind the predictions.</summary>
    private static Tensor Hidden(SafetensorsFile golden, int step)
    {
        var hidden = Tensor.Read(golden, string.Create(CultureInfo.InvariantCulture, $"step.{step}.hidden"));
        Assert.Equal(1, hidden.Shape[1]);
        return hidden with { Shape = [1, hidden.Shape[0], .. hidden.Shape[2..]] };
    }

    /// <summary>Each built when first asked for: those of half precision take seconds.</summary>
    public sealed class Models : IDisposable
    {
        private readonly Dictionary<(string Name, string Precision), BuiltModel> _built = [];

        internal BuiltModel Get(string name, string precision)
        {
            if (!_built.TryGetValue((name, precision), out var model))
            {
                using var weights = TestModel.TinyWeights(name);
                model = new BuiltModel(TestModel.TinyConfig(name), weights, precision: precision);
                _built.Add((name, precision), model);
            }

            return model;
        }

        public void Dispose()
        {
            foreach (var model in _built.Values)
            {
                model.Dispose();
            }
        }
    }
}
