using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// The adapted tensors as inputs of a graph, with a leading B: each picture is read with the values of its own session. fp32 in every precision:
/// a step of adaptation may be smaller than half precision tells apart.
/// </summary>
/// <param name="NormWeight">[B,1,H].</param>
/// <param name="NormBias">[B,1,H].</param>
/// <param name="Embedder">Three linear layers from H to M, a ReLU between them.</param>
/// <param name="Classes">From H to two classes.</param>
internal sealed record AdaptedHead(Value NormWeight, Value NormBias, IReadOnlyList<AdaptedLinear> Embedder, AdaptedLinear Classes)
{
    public static AdaptedHead Declare(GraphBuilder graph, SegmentorConfig config)
    {
        var inputs = AdaptedInputs.Shapes(config)
            .Select(tensor => graph.Input(tensor.Name, ElementType.Float32, [Dim.Batch, .. tensor.Shape.Select(static side => (Dim)side)]))
            .ToArray();
        int hidden = config.HiddenDim;
        graph.Within("decoder.head");
        return new AdaptedHead(
            inputs[0].Reshape(-1, 1, hidden),
            inputs[1].Reshape(-1, 1, hidden),
            [Linear(inputs[2], inputs[3], hidden), Linear(inputs[4], inputs[5], hidden), Linear(inputs[6], inputs[7], config.MaskFeatureSize)],
            Linear(inputs[8], inputs[9], 2));
    }

    private static AdaptedLinear Linear(Value weight, Value bias, int outputs) =>
        new(weight, weight.Transpose(0, 2, 1), bias.Reshape(-1, 1, outputs));
}

/// <summary>A linear layer of its own for each picture.</summary>
/// <param name="Weight">[B,out,in].</param>
/// <param name="Transposed">[B,in,out].</param>
/// <param name="Bias">[B,1,out].</param>
internal sealed record AdaptedLinear(Value Weight, Value Transposed, Value Bias)
{
    /// <summary>Rows [B,n,in] to [B,n,out].</summary>
    public Value Apply(Value rows) => rows.MatMul(Transposed) + Bias;
}
