using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// The decoder's shared norm, mask embedder and class predictor. Their tensors are graph inputs with a leading B:
/// each picture is read with the values of its own session.
/// </summary>
internal sealed class PredictionHead
{
    private const float Epsilon = 1e-5f;

    private readonly SegmentorConfig _config;
    private readonly Value _ones;
    private readonly Value _zeros;
    private readonly Value _normWeight;
    private readonly Value _normBias;
    private readonly (Value Weight, Value Bias)[] _embedder;
    private readonly (Value Weight, Value Bias) _classes;

    public PredictionHead(GraphBuilder graph, SegmentorConfig config)
    {
        _config = config;
        var inputs = AdaptedInputs.Shapes(config)
            .Select(tensor => graph.Input(tensor.Name, graph.Compute, [Dim.Batch, .. tensor.Shape.Select(static side => (Dim)side)]))
            .ToArray();
        graph.Within("decoder.head");
        int hidden = config.HiddenDim;
        _ones = graph.Floats([.. Enumerable.Repeat(1f, hidden)]);
        _zeros = graph.Floats(new float[hidden]);
        _normWeight = inputs[0].Reshape(-1, 1, hidden);
        _normBias = inputs[1].Reshape(-1, 1, hidden);
        _embedder = [Linear(inputs[2], inputs[3], hidden), Linear(inputs[4], inputs[5], hidden), Linear(inputs[6], inputs[7], config.MaskFeatureSize)];
        _classes = Linear(inputs[8], inputs[9], 2);
    }

    /// <summary>The shared norm of hidden states [B,Q,H].</summary>
    public Value Norm(Value hidden) => hidden.LayerNorm(_ones, _zeros, Epsilon) * _normWeight + _normBias;

    /// <summary>Mask embeddings [B,Q,M] of normed hidden states.</summary>
    public Value Masks(Value normed)
    {
        var x = normed;
        for (int i = 0; i < _embedder.Length; i++)
        {
            x = Apply(x, _embedder[i]);
            if (i < _embedder.Length - 1)
            {
                x = x.Relu();
            }
        }

        return x;
    }

    /// <summary>Class logits [B,Q,2] of normed hidden states.</summary>
    public Value Classes(Value normed) => Apply(normed, _classes);

    private static Value Apply(Value x, (Value Weight, Value Bias) linear) => x.MatMul(linear.Weight) + linear.Bias;

    private static (Value Weight, Value Bias) Linear(Value weight, Value bias, int outputs) =>
        (weight.Transpose(0, 2, 1), bias.Reshape(-1, 1, outputs));
}
