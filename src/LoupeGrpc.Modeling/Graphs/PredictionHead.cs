using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// The decoder's shared norm, mask embedder and class predictor.
/// </summary>
internal sealed class PredictionHead
{
    private const float Epsilon = 1e-5f;

    private readonly AdaptedHead _head;
    private readonly Value _ones;
    private readonly Value _zeros;

    public PredictionHead(GraphBuilder graph, SegmentorConfig config)
    {
        _head = AdaptedHead.Declare(graph, config);
        _ones = graph.Floats([.. Enumerable.Repeat(1f, config.HiddenDim)]);
        _zeros = graph.Floats(new float[config.HiddenDim]);
    }

    /// <summary>The shared norm of hidden states [B,Q,H].</summary>
    public Value Norm(Value hidden) => hidden.LayerNorm(_ones, _zeros, Epsilon) * _head.NormWeight + _head.NormBias;

    /// <summary>Mask embeddings [B,Q,M] of normed hidden states.</summary>
    public Value Masks(Value normed)
    {
        var layers = _head.Embedder;
        return layers[2].Apply(layers[1].Apply(layers[0].Apply(normed).Relu()).Relu());
    }

    /// <summary>Class logits [B,Q,2] of normed hidden states.</summary>
    public Value Classes(Value normed) => _head.Classes.Apply(normed);
}
