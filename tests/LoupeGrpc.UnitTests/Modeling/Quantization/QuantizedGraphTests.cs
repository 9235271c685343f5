using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Modeling.Quantization;
using LoupeGrpc.Packaging;
using Xunit;
using DataType = LoupeGrpc.Modeling.Onnx.TensorProto.Types.DataType;

namespace LoupeGrpc.UnitTests.Modeling.Quantization;

/// <summary>Graphs in 8 bits: which nodes they have, and what such a node computes.</summary>
public sealed class QuantizedGraphTests
{
    private static readonly ActivationRange Range = new(-4, 6);

    [Theory]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public void Layers_of_the_plan_are_products_of_unsigned_by_signed_bytes_and_the_others_are_not(string name)
    {
        var layers = LayersOf(name);
        string[] planned = [.. layers.Where(static (_, index) => index % 3 != 0)];
        using var weights = TestModel.TinyWeights(name);
        var graphs = ModelGraphs.Build(
            TestModel.TinyConfig(name), weights, PackageLayout.Int8, "tests", quantized: planned.ToDictionary(static layer => layer, static _ => Range));

        Assert.Null(graphs.HalfTensors);
        foreach (var models in (ModelProto[][])[[graphs.Encoder, graphs.Segmentor], [graphs.Encoder, graphs.ProcessorSegmentor!]])
        {
            Assert.All(models, static model => Assert.Contains(model.OpsetImport, static set => set is { Domain: "com.microsoft", Version: 1 }));
            var initializers = models.SelectMany(static model => model.Graph.Initializer).ToList();
            var products = models.SelectMany(static model => model.Graph.Node).Where(static node => node.OpType == "MatMulIntegerToFloat").ToList();
            Assert.Equal(planned.Select(static layer => layer + ".weight.int8").Order(), products.Select(static node => node.Input[1]).Order());
            Assert.All(products, static node => Assert.Equal("com.microsoft", node.Domain));
            Assert.All(
                initializers.Where(static tensor => tensor.Name.EndsWith(".int8", StringComparison.Ordinal)),
                static tensor => Assert.Equal((int)DataType.Int8, tensor.DataType));

            // Nothing of a layer is there twice.
            Assert.Empty(initializers.Select(static tensor => tensor.Name).Intersect(planned.Select(static layer => layer + ".weight")));
            Assert.Superset(layers.Except(planned).Select(static layer => layer + ".weight").ToHashSet(), initializers.Select(static tensor => tensor.Name).ToHashSet());
        }

        var types = GraphTypes.Of(graphs.Encoder.Graph);
        Assert.All(
            graphs.Encoder.Graph.Node.Where(static node => node.OpType == "MatMulIntegerToFloat"),
            node => Assert.Equal(
                [DataType.Uint8, DataType.Int8, DataType.Float, DataType.Float, DataType.Uint8],
                node.Input.Take(5).Select(input => types[input])));
    }

    /// <summary>Queries, keys and values read the same rows.</summary>
    [Fact]
    public void Rows_that_several_layers_read_are_quantised_once()
    {
        using var weights = TestModel.TinyWeights("tiny-l");
        var config = TestModel.TinyConfig("tiny-l");
        var graphs = ModelGraphs.Build(
            config, weights, PackageLayout.Int8, "tests", quantized: LayersOf("tiny-l").ToDictionary(static layer => layer, static _ => Range));
        var nodes = graphs.Encoder.Graph.Node;
        Assert.Equal(4 * config.Backbone.Layers, nodes.Count(static node => node.OpType == "QuantizeLinear"));
        Assert.Equal(6 * config.Backbone.Layers, nodes.Count(static node => node.OpType == "MatMulIntegerToFloat"));
    }

    [Fact]
    public void Without_layers_the_graphs_are_those_of_single_precision()
    {
        using var weights = TestModel.TinyWeights("tiny-s");
        var none = ModelGraphs.Build(TestModel.TinyConfig("tiny-s"), weights, PackageLayout.Int8, "tests", quantized: new Dictionary<string, ActivationRange>());
        var single = ModelGraphs.Build(TestModel.TinyConfig("tiny-s"), weights, PackageLayout.Fp32, "tests");
        Assert.Equal(single.Encoder, none.Encoder);
        Assert.Equal(single.Segmentor, none.Segmentor);
        Assert.Equal(single.Weights.Length, none.Weights.Length);
    }

    /// <summary>Weights that do not fit are told, not read.</summary>
    [Fact]
    public void A_tensor_that_is_missing_is_named_as_in_every_precision()
    {
        var weights = MemoryWeights.OfTiny("tiny-s").Without("resblocks.1.mlp.c_fc.weight");
        var exception = Assert.Throws<CheckpointException>(() => ModelGraphs.Build(
            TestModel.TinyConfig("tiny-s"), weights, PackageLayout.Int8, "tests", quantized: LayersOf("tiny-s").ToDictionary(static layer => layer, static _ => Range)));
        Assert.Contains("backbone.transformer.resblocks.1.mlp.c_fc.weight is missing", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>In the order of the encoder, then of the segmentor.</summary>
    internal static List<string> LayersOf(string name)
    {
        using var weights = TestModel.TinyWeights(name);
        var (ledger, file, layers) = (new TensorLedger(weights), new WeightFile(), new List<string>());
        foreach (Action<GraphBuilder> build in (Action<GraphBuilder>[])[
            graph => EncoderGraph.Build(graph, TestModel.TinyConfig(name)), graph => SegmentorGraph.Build(graph, TestModel.TinyConfig(name))])
        {
            var graph = new GraphBuilder("any", ElementType.Float32, ledger, file);
            var switched = SwitchedLinear.Declare(graph);
            graph.Linear = switched;
            build(graph);
            layers.AddRange(switched.Layers);
        }

        return layers;
    }
}
