using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// RoPE over two dimensions. The trained model rotates neighbouring elements (2k, 2k+1) of a head; here the rows of the query and key projections
/// are written in another order (<see cref="SourceRow"/>: first all even elements, then all odd ones), so that the partner of an element is half a head away
/// and a rotation is a split and a concatenation. The order is the same for queries and keys, so their products do not change.
/// </summary>
internal sealed class RotaryEmbedding
{
    private readonly int _depth;
    private readonly Value _cos;
    private readonly Value _sin;

    public RotaryEmbedding(GraphBuilder graph, BackboneConfig config)
    {
        _depth = config.Width / config.Heads;
        var cos = new float[config.Tokens * _depth];
        var sin = new float[config.Tokens * _depth];
        for (int token = 0; token < config.Tokens; token++)
        {
            for (int pair = 0; pair < _depth / 2; pair++)
            {
                double angle = Angle(config, token, pair);
                foreach (int element in (int[])[pair, pair + _depth / 2])
                {
                    cos[token * _depth + element] = (float)Math.Cos(angle);
                    sin[token * _depth + element] = (float)Math.Sin(angle);
                }
            }
        }

        _cos = graph.Computed("backbone.rope.cos", graph.Compute, cos, config.Tokens, _depth);
        _sin = graph.Computed("backbone.rope.sin", graph.Compute, sin, config.Tokens, _depth);
    }

    /// <summary>Which row of the checkpoint's projection makes row <paramref name="row"/> of the written one.</summary>
    public int SourceRow(int row)
    {
        int head = row / _depth;
        int element = row % _depth;
        int pair = element % (_depth / 2);
        return head * _depth + 2 * pair + element / (_depth / 2);
    }

    /// <summary>Rotates [B,heads,T,d].</summary>
    public Value Rotate(Value x)
    {
        var halves = x.Split(3, _depth / 2, _depth / 2);
        return x * _cos + Value.Concat(3, -halves[1], halves[0]) * _sin;
    }

    /// <summary>Pairs of the first half of a head turn with x, the others with y; the class token does not turn.</summary>
    private double Angle(BackboneConfig config, int token, int pair)
    {
        int first = config.UseClassToken ? 1 : 0;
        if (token < first)
        {
            return 0;
        }

        int patch = token - first;
        int quarter = _depth / 4;
        int position = (pair < quarter ? patch % config.Grid : patch / config.Grid) + first;
        // The authors' frequencies are fp32, and so is the product.
        float frequency = (float)(1 / Math.Pow(10000, 2.0 * (pair % quarter) / (_depth / 2)));
        return position * frequency;
    }
}
