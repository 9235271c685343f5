using System.Globalization;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>What the written models look like, and what is said when the weights do not fit.</summary>
public sealed class ModelGraphsTests
{
    // TensorRT miscompiles or slows these down; GridSample silently becomes nearest-neighbour there.
    private static readonly string[] Unwanted = ["GridSample", "Einsum", "ScatterND", "GatherElements", "GatherND", "If", "Loop"];

    [Fact]
    public void Models_keep_to_the_operators_every_provider_runs()
    {
        var graphs = Build(MemoryWeights.OfTiny("tiny-s"));
        foreach (var model in (ModelProto[])[graphs.Encoder, graphs.Segmentor])
        {
            Assert.Equal(8, model.IrVersion);
            Assert.Equal([("", 17L)], model.OpsetImport.Select(static set => (set.Domain, set.Version)));
            Assert.Empty(model.Graph.Node.Select(static node => node.OpType).Intersect(Unwanted));
            Assert.Equal(model.Graph.Node.Count, model.Graph.Node.Select(static node => node.Name).Distinct().Count());
        }

        Assert.Equal(
            [PackageTensors.Features, PackageTensors.PseudoLabel, .. PackageTensors.Adapted],
            graphs.Segmentor.Graph.Input.Select(static input => input.Name));
        Assert.All(
            graphs.Segmentor.Graph.Input,
            static input => Assert.Equal("B", input.Type.TensorType.Shape.Dim[0].DimParam));
    }

    [Fact]
    public void External_tensors_are_aligned_and_do_not_overlap()
    {
        var graphs = Build(MemoryWeights.OfTiny("tiny-s"));
        var places = new[] { graphs.Encoder, graphs.Segmentor }
            .SelectMany(static model => model.Graph.Initializer)
            .Where(static tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External)
            .Select(static tensor => tensor.ExternalData.ToDictionary(static entry => entry.Key, static entry => entry.Value))
            .Select(static data => (
                Location: data["location"],
                Offset: long.Parse(data["offset"], CultureInfo.InvariantCulture),
                Length: long.Parse(data["length"], CultureInfo.InvariantCulture)))
            .Order()
            .ToList();

        Assert.True(places.Count > 50);
        long end = 0;
        foreach (var (location, offset, length) in places)
        {
            Assert.Equal("weights.bin", location);
            Assert.Equal(0, offset % PackageLayout.WeightAlignment);
            Assert.True(offset >= end);
            end = offset + length;
        }

        Assert.Equal(graphs.Weights.Length, end);
    }

    [Fact]
    public void OnnxRuntime_recognises_what_it_has_a_kernel_for()
    {
        using var weights = TestModel.TinyWeights("tiny-s");
        using var model = new BuiltModel(TestModel.TinyConfig("tiny-s"), weights);

        var operators = model.OptimisedOperators();

        Assert.DoesNotContain("Erf", operators);
        Assert.Contains(operators, static name => name is "Gelu" or "BiasGelu");
        Assert.Contains("LayerNormalization", operators);
    }

    [Fact]
    public void Every_tensor_that_does_not_fit_is_named_at_once()
    {
        var weights = MemoryWeights.OfTiny("tiny-s")
            .Without("backbone.ln_pre.bias")
            .Without("segmentor.class_predictor.weight")
            .With("segmentor.pixel_decoder.level_embed", 4, 32)
            .With("backbone.transformer.resblocks.2.ln_1.weight", 64)
            .With("segmentor.criterion.empty_weight", 2);

        string message = Assert.Throws<CheckpointException>(() => Build(weights)).Message;

        Assert.Equal(
            """
            The weights do not fit the configuration (read from memory):
              backbone.ln_pre.bias is missing
              segmentor.class_predictor.weight is missing
              segmentor.pixel_decoder.level_embed is [4, 32] in memory, the configuration needs [3, 32]
              backbone.transformer.resblocks.2.ln_1.weight in memory has no place in a model of this configuration
            """,
            message);
    }

    [Fact]
    public void A_missing_part_is_said_in_one_line()
    {
        string message = Assert.Throws<CheckpointException>(() => Build(MemoryWeights.OfTiny("tiny-s").Without("backbone."))).Message;

        Assert.Contains("all 35 tensors of backbone are missing: was a checkpoint with this part left out?", message, StringComparison.Ordinal);
        Assert.Equal(2, message.Split('\n').Length);
    }

    [Fact]
    public void Many_errors_of_one_kind_are_counted()
    {
        var lines = Assert.Throws<CheckpointException>(() => Build(MemoryWeights.OfTiny("tiny-s").Without("segmentor.pixel_decoder."))).Message.Split('\n');

        Assert.Equal(22, lines.Length);
        Assert.Matches(@"^  and \d+ more tensors of segmentor are missing$", lines[^1]);
    }

    private static ModelGraphs Build(ITensorSource weights) => ModelGraphs.Build(TestModel.TinyConfig("tiny-s"), weights, PackageLayout.Fp32, "tests");
}
