using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// A square linear layer whose weight and bias are rows of a larger tensor, such as the query part of <c>in_proj_weight</c>.
/// Rows may be reordered and scaled when they are written, which costs nothing when the graph runs.
/// </summary>
internal sealed class PackedLinear
{
    private readonly GraphBuilder _graph;
    private readonly TensorInfo _weight;
    private readonly float[] _bias;
    private readonly int _firstRow;
    private readonly ElementType _type;

    /// <summary>Queries, keys and values of <c>NAME.in_proj_weight</c> and <c>NAME.in_proj_bias</c>, stacked.</summary>
    public PackedLinear(GraphBuilder graph, string name, int width)
        : this(
            graph,
            graph.Tensors.Require(name + ".in_proj_weight", 3 * width, width),
            graph.Tensors.Read(name + ".in_proj_bias", 3 * width),
            width,
            firstRow: 0,
            graph.Compute)
    {
    }

    private PackedLinear(GraphBuilder graph, TensorInfo weight, float[] bias, int width, int firstRow, ElementType type)
    {
        _graph = graph;
        _weight = weight;
        _bias = bias;
        Width = width;
        _firstRow = firstRow;
        _type = type;
    }

    public int Width { get; }

    /// <summary>A layer of its own: <c>NAME.weight</c> and <c>NAME.bias</c>.</summary>
    public static PackedLinear Single(GraphBuilder graph, string name, int width) =>
        new(graph, graph.Tensors.Require(name + ".weight", width, width), graph.Tensors.Read(name + ".bias", width), width, firstRow: 0, graph.Compute);

    /// <summary>0 queries, 1 keys, 2 values.</summary>
    public PackedLinear Part(int index) => new(_graph, _weight, _bias, Width, index * Width, _type);

    /// <summary>With weight and bias, and hence the result, in fp32 whatever the model's precision.</summary>
    public PackedLinear InSingle() => new(_graph, _weight, _bias, Width, _firstRow, ElementType.Float32);

    public Value Project(Value rows, string initializer, Func<int, int>? source = null, float factor = 1) =>
        rows.Gemm(Weight(initializer, [Width, Width], source, factor), Bias(initializer, source, factor));

    /// <param name="shape">[width,width], or its rows cut into heads: [heads,d,width].</param>
    public Value Weight(string initializer, long[] shape, Func<int, int>? source = null, float factor = 1) =>
        _graph.Weight(initializer + ".weight", _type, _weight, shape, row => new SourceRow(_firstRow + Source(source, row), factor));

    public Value Bias(string initializer, Func<int, int>? source = null, float factor = 1)
    {
        var values = new float[Width];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = _bias[_firstRow + Source(source, i)] * factor;
        }

        return _graph.Computed(initializer + ".bias", _type, values, Width);
    }

    private static int Source(Func<int, int>? source, int row) => source is null ? row : source(row);
}
