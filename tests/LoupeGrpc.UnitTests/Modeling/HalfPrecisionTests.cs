using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;
using DataType = LoupeGrpc.Modeling.Onnx.TensorProto.Types.DataType;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>Graphs of half precision: what is in halves and what is not, and numbers that halves cannot hold.</summary>
public sealed class HalfPrecisionTests
{
    // Where halves lose: sums over hundreds of terms, exponentials, coordinates, and what decides (thresholds, the best query).
    private static readonly string[] SingleOperators =
    [
        "LayerNormalization", "InstanceNormalization", "Softmax", "LogSoftmax", "Sigmoid", "Log", "ReduceMean", "ReduceSum", "ReduceMax", "ArgMin",
        "Floor", "Abs", "Less", "Resize",
    ];

    // By what their names begin with: the head that adaptation changes with its masks, and the last layers of the classifier.
    private static readonly string[] SingleParts = ["decoder.head", "decoder.mask", "decoder.prediction", "classifier.fuser"];

    private static readonly LoupeConfig TinyG = TestModel.TinyConfig("tiny-g");

    public static TheoryData<string> Models => ["tiny-l", "tiny-g", "tiny-s"];

    [Theory]
    [MemberData(nameof(Models))]
    public void What_needs_single_precision_has_it(string name)
    {
        using var weights = TestModel.TinyWeights(name);
        var graphs = ModelGraphs.Build(TestModel.TinyConfig(name), weights, PackageLayout.Fp16, "tests");
        foreach (var graph in (GraphProto[])[graphs.Encoder.Graph, graphs.Segmentor.Graph, graphs.Adapt.Graph])
        {
            var types = GraphTypes.Of(graph);
            foreach (var node in graph.Node.Where(node => IsSingle(node) || ReferenceEquals(graph, graphs.Adapt.Graph)))
            {
                bool readsHalves = node.Input.Any(input => types.GetValueOrDefault(input) == DataType.Float16);
                Assert.True(node.OpType == "Cast" || !readsHalves, $"{graph.Name}: {node.Name} reads halves");
            }
        }

        Assert.Equal([PackageTensors.Features, PackageTensors.MaskFeatures], graphs.HalfTensors);
        Assert.All(
            graphs.Segmentor.Graph.Input.Where(static input => input.Name != PackageTensors.Features),
            static input => Assert.Equal((int)DataType.Float, input.Type.TensorType.ElemType));
    }

    /// <summary>The other side: a matrix product that fell back to single precision would be right, and cost the GPU what halves are for.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Weights_and_their_products_are_halves(string name)
    {
        var config = TestModel.TinyConfig(name);
        string lastLayer = $"classifier.layers.{config.Classifier.MlpLayers - 1}.";
        string[] single =
        [
            // The one query of an attention, which asks all rows.
            "attn_pool.probe", "attn_pool.attn.query.", "attn_pool.attn.key.",
            .. Enumerable.Range(0, config.Segmentor.EncoderLayers).Select(static i => $"pixel_decoder.encoder.layers.{i}.cross_attn."),
            ".sampling_offsets.", lastLayer, "classifier.fuser.",
        ];
        using var weights = TestModel.TinyWeights(name);
        var graphs = ModelGraphs.Build(config, weights, PackageLayout.Fp16, "tests");
        int halves = 0;
        foreach (var graph in (GraphProto[])[graphs.Encoder.Graph, graphs.Segmentor.Graph])
        {
            var initializers = graph.Initializer.ToDictionary(static tensor => tensor.Name, static tensor => (DataType)tensor.DataType);
            foreach (var node in graph.Node.Where(static node => node.OpType is "Gemm" or "MatMul" or "Conv" or "ConvTranspose"))
            {
                foreach (string weight in node.Input.Where(initializers.ContainsKey))
                {
                    halves += initializers[weight] == DataType.Float16 ? 1 : 0;
                    Assert.True(initializers[weight] == DataType.Float16 || single.Any(weight.Contains), $"{weight} is of single precision");
                }
            }

            // The large products of activations: attention and deformable sampling.
            var types = GraphTypes.Of(graph);
            Assert.Contains(graph.Node, node => node.OpType == "MatMul" && node.Input.All(input => types[input] == DataType.Float16 && !initializers.ContainsKey(input)));
        }

        Assert.True(halves > 50, $"only {halves} weights are halves");
    }

    /// <summary>
    /// Queries and keys that are the same everywhere: every attention weight is equal, whatever the logits. They are 1e5 before the scale 1/√d,
    /// which no half can hold, and 2e4 with it.
    /// </summary>
    [Fact]
    public void Attention_logits_do_not_overflow()
    {
        int width = TinyG.Backbone.Width;
        int depth = width / TinyG.Backbone.Heads;
        float element = MathF.Sqrt(1e5f / depth);
        var config = TinyG with { Backbone = TinyG.Backbone with { UseRope = false } };
        var weights = MemoryWeights.OfTiny("tiny-g");
        for (int block = 0; block < config.Backbone.Layers; block++)
        {
            string name = $"backbone.transformer.resblocks.{block}.attn.in_proj_";
            weights.With(name + "weight", i => i < 2 * width * width ? 0 : MathF.Sin(i) * 0.1f, 3 * width, width)
                .With(name + "bias", i => i < 2 * width ? element : 0, 3 * width);
        }

        CompareEncoders(config, weights);
    }

    /// <summary>Backbones of this kind keep single elements of thousands in what their blocks add up.</summary>
    [Fact]
    public void A_massive_activation_between_blocks_does_not_overflow()
    {
        int width = TinyG.Backbone.Width;
        var weights = MemoryWeights.OfTiny("tiny-g").With("backbone.transformer.resblocks.0.mlp.c_proj.bias", static i => i == 7 ? 6e4f : 0, width)
            .With("backbone.transformer.resblocks.1.mlp.c_proj.bias", static i => i == 7 ? 6e4f : 0, width);

        CompareEncoders(TinyG, weights);
    }

    [Theory]
    [InlineData(7e4f, "70000")]
    [InlineData(-1e30f, "-1E+30")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    [InlineData(float.NaN, "NaN")]
    public void A_number_beyond_half_precision_is_refused_with_its_tensor(float value, string shown)
    {
        foreach (string tensor in (string[])["backbone.transformer.resblocks.1.mlp.c_fc.weight", "backbone.transformer.resblocks.1.mlp.c_fc.bias"])
        {
            var original = MemoryWeights.OfTiny("tiny-g");
            Assert.True(original.TryGet(tensor, out var info));
            var weights = original.With(tensor, i => i == 5 ? value : 0.01f, [.. info.Shape]);
            string parent = Directory.CreateTempSubdirectory("loupe-half-").FullName;
            try
            {
                var exception = Assert.Throws<CheckpointException>(() => Start(weights, Path.Combine(parent, "package")));
                var place = info.Shape.Count == 1 ? "[5]" : "[0, 5]";
                var expected = float.IsFinite(value)
                    ? $"{tensor} in memory holds {shown}, which fp16 cannot hold: its largest number is 65504"
                    : $"{tensor} in memory is {(float.IsNaN(value) ? "NaN" : "infinite")} at {place}";
                Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
                Assert.Empty(Directory.EnumerateFileSystemEntries(parent));
            }
            finally
            {
                Directory.Delete(parent, recursive: true);
            }
        }
    }

    [Fact]
    public void Halves_are_the_nearest_numbers_and_small_ones_are_kept_as_far_as_they_go()
    {
        float[] values = [1, 1 / 3f, 65519, -65504, 6e-8f, 1e-9f, -0f];
        var bytes = new ComputedTensor("test", [values.Length], ElementType.Float16, values).Encode([.. values]);

        Assert.Equal(
            [(Half)1f, (Half)(1 / 3f), Half.MaxValue, Half.MinValue, Half.Epsilon, Half.Zero, Half.NegativeZero],
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(bytes).ToArray());
    }

    private static void Start(MemoryWeights weights, string output)
    {
        var options = new PackageOptions("half", "1", Demonstration: true, "tests") { Precisions = [PackageLayout.Fp16] };
        using var build = PackageBuild.Start(TinyG, weights, output, options, cancellationToken: TestContext.Current.CancellationToken);
    }

    private static void CompareEncoders(LoupeConfig config, MemoryWeights weights)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-g", "stages.safetensors"));
        var pixels = Tensor.Read(golden, PackageTensors.PixelValues);
        using var single = new BuiltModel(config, weights);
        using var half = new BuiltModel(config, weights, precision: PackageLayout.Fp16);

        var (expected, actual) = (single.Encode(pixels), half.Encode(pixels));

        foreach (string output in (string[])[PackageTensors.Features, PackageTensors.ClsLogit, PackageTensors.PatchLogits])
        {
            Assert.InRange(SelfCheck.Distance(expected[output].Values, actual[output].Values), 0, 5e-3);
        }
    }

    private static bool IsSingle(NodeProto node) =>
        SingleOperators.Contains(node.OpType) || SingleParts.Any(part => node.Name.StartsWith(part, StringComparison.Ordinal));
}
