using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// Layers by the name of their tensors. A matrix [rows, width] holds one token, cell or query a row, pictures one after another:
/// so a linear layer is one Gemm with its bias, and weights stay in the order checkpoints have.
/// </summary>
internal static class Layers
{
    private const float Epsilon = 1e-5f;
    private const int NormGroups = 32;

    /// <summary>Lays a tensor out as a matrix of rows of <paramref name="width"/>.</summary>
    public static Value Rows(this Value x, int width) => x.Reshape(-1, width);

    /// <summary>The rows of the patches: without the class tokens.</summary>
    public static Value PatchRows(this Value features, BackboneConfig config) => config.UseClassToken
        ? features.Reshape(-1, config.Tokens, config.Width).Slice(1, 1, config.Tokens).Rows(config.Width)
        : features;

    public static Value Linear(this Value rows, string name, int inputs, int outputs) => rows.Linear(name, rows.Graph.Compute, inputs, outputs);

    public static Value Linear(this Value rows, string name, ElementType type, int inputs, int outputs) =>
        rows.Gemm(rows.Graph.Weight(name + ".weight", type, outputs, inputs), rows.Graph.Weight(name + ".bias", type, outputs));

    /// <summary>A 1×1 convolution on cells laid out as rows.</summary>
    public static Value Pointwise(this Value rows, string name, int inputs, int outputs, bool bias) =>
        rows.Gemm(
            rows.Graph.WeightAs(name + ".weight", rows.Graph.Compute, [outputs, inputs, 1, 1], [outputs, inputs]),
            bias ? rows.Graph.Weight(name + ".bias", outputs) : null);

    public static Value LayerNorm(this Value x, string name, int width, float epsilon = Epsilon) =>
        x.LayerNorm(x.Graph.Weight(name + ".weight", ElementType.Float32, width), x.Graph.Weight(name + ".bias", ElementType.Float32, width), epsilon);

    /// <summary>
    /// Group norm of a map [B,width,cells], fp32 as every norm. Spelled as an instance norm over groups, which every provider has.
    /// </summary>
    public static Value GroupNorm(this Value map, string name, int width, int cells)
    {
        var graph = map.Graph;
        var ones = graph.Floats([.. Enumerable.Repeat(1f, NormGroups)]);
        var zeros = graph.Floats(new float[NormGroups]);
        var normed = map.Reshape(-1, NormGroups, (long)width / NormGroups * cells).InstanceNorm(ones, zeros, Epsilon).Reshape(-1, width, cells);
        return normed * graph.WeightAs(name + ".weight", ElementType.Float32, [width], [width, 1])
            + graph.WeightAs(name + ".bias", ElementType.Float32, [width], [width, 1]);
    }

    /// <summary>From rows of cells to a map [B,width,height,breadth].</summary>
    public static Value ToMap(this Value rows, int width, int height, int breadth) =>
        rows.Reshape(-1, (long)height * breadth, width).Transpose(0, 2, 1).Reshape(-1, width, height, breadth);

    /// <summary>From a map [B,width,…] of <paramref name="cells"/> to rows of cells.</summary>
    public static Value ToRows(this Value map, int width, int cells) =>
        map.Reshape(-1, width, cells).Transpose(0, 2, 1).Rows(width);

    /// <summary>fc2(activation(fc1 x)).</summary>
    public static Value Mlp(this Value rows, string first, string second, int width, int inner, Func<Value, Value> activation) =>
        activation(rows.Linear(first, width, inner)).Linear(second, inner, width);
}
