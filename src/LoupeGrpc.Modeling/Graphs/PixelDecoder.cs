using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>What the pixel decoder hands to the mask decoder.</summary>
/// <param name="Levels">[B,cells,D] for each level, coarse to fine; fp32.</param>
/// <param name="MaskFeatures">[B,M,4g,4g], of the type that weights have.</param>
internal sealed record PixelFeatures(IReadOnlyList<Value> Levels, Value MaskFeatures);

/// <summary>Multi-scale deformable attention over three levels, conditioned on the score, and the mask features on top.</summary>
internal sealed class PixelDecoder(GraphBuilder graph, BackboneConfig backbone, SegmentorConfig config)
{
    private const string Name = "segmentor.pixel_decoder";

    private readonly int _width = config.FeatureSize;
    private readonly Levels _levels = new(backbone.Grid);

    /// <param name="condition">[B,D]; null where the model has none.</param>
    /// <param name="batch">The number of pictures, int64 [1].</param>
    public PixelFeatures Build(PyramidMaps pyramid, Value? condition, Value batch)
    {
        graph.Within("pixel_decoder.input");
        var x = Value.Concat(1, [.. pyramid.Levels.Select(InputProjection)]).Rows(_width);
        var position = graph.Computed(Name + ".position", ElementType.Float32, PositionEmbedding(), _levels.TotalCells, _width);
        var attention = new DeformableAttention(graph, _levels, _width, config.AttentionHeads, batch);
        for (int i = 0; i < config.EncoderLayers; i++)
        {
            graph.Within($"pixel_decoder.encoder.{i}");
            x = EncoderLayer(x, i, position, attention, condition);
        }

        graph.Within("pixel_decoder.output");
        var levels = Cells(x).Split(1, [.. Enumerable.Range(0, Levels.Count).Select(level => (long)_levels.Cells(level))]);
        for (int l = 0; l < Levels.Count; l++)
        {
            int level = l;
            int side = _levels.Sides[level];
            graph.Stage($"pixel_decoder.level.{level}", () => levels[level].ToMap(_width, side, side), Dim.Batch, _width, side, side);
        }

        return new PixelFeatures(levels, MaskFeatures(pyramid.Quadruple, levels[^1]));
    }

    private Value InputProjection(Value rows, int level)
    {
        string name = $"{Name}.input_projections.{level}";
        int side = _levels.Sides[level];
        var map = rows.Pointwise(name + ".0", backbone.Width, _width, bias: true)
            .Reshape(-1, _levels.Cells(level), _width)
            .Transpose(0, 2, 1)
            .GroupNorm(name + ".1", _width, _levels.Cells(level));
        graph.Stage($"pixel_decoder.input_projection.{level}", () => map.Reshape(-1, _width, side, side), Dim.Batch, _width, side, side);
        return map.Transpose(0, 2, 1);
    }

    /// <summary>Sine embedding of each cell in its level, and the level's own.</summary>
    private float[] PositionEmbedding()
    {
        float[] levelEmbedding = graph.Tensors.Read(Name + ".level_embed", Levels.Count, _width);
        var embedding = new float[_levels.TotalCells * _width];
        for (int level = 0; level < Levels.Count; level++)
        {
            var part = embedding.AsSpan(_levels.Starts[level] * _width, _levels.Cells(level) * _width);
            SinePosition.Of(_levels.Sides[level], _width).CopyTo(part);
            for (int i = 0; i < part.Length; i++)
            {
                part[i] += levelEmbedding[level * _width + i % _width];
            }
        }

        return embedding;
    }

    private Value EncoderLayer(Value x, int index, Value position, DeformableAttention attention, Value? condition)
    {
        string name = $"{Name}.encoder.layers.{index}";
        string stage = $"pixel_decoder.encoder.{index}";

        var attended = attention.Attend((Cells(x) + position).Rows(_width), x, name + ".self_attn").ToSingle();
        graph.Stage(stage + ".self_attn", () => Cells(attended), Dim.Batch, _levels.TotalCells, _width);
        x = (x + attended).LayerNorm(name + ".self_attn_layer_norm", _width);

        if (condition is not null)
        {
            // One vector a picture, added to every cell of it.
            var cells = Cells(x);
            var conditioned = Attention.AttendOne(condition, cells, name + ".cross_attn", _width, config.AttentionHeads).ToSingle().Reshape(-1, 1, _width);
            graph.Stage(stage + ".cross_attn", () => conditioned, Dim.Batch, 1, _width);
            x = (cells + conditioned).LayerNorm(name + ".cross_attn_layer_norm", _width).Rows(_width);
        }

        var inner = x.Mlp(name + ".fc1", name + ".fc2", _width, config.EncoderFeedForward, static hidden => hidden.Relu());
        x = (x + inner.ToSingle()).LayerNorm(name + ".final_layer_norm", _width);
        graph.Stage(stage, () => Cells(x), Dim.Batch, _levels.TotalCells, _width);
        return x;
    }

    private Value MaskFeatures(Value quadruple, Value finest)
    {
        int side = 4 * backbone.Grid;
        var lateral = quadruple.Pointwise(Name + ".adapter_1.0", backbone.Width, _width, bias: false)
            .Reshape(-1, side * side, _width)
            .Transpose(0, 2, 1)
            .GroupNorm(Name + ".adapter_1.1", _width, side * side)
            .Reshape(-1, _width, side, side);
        var y = (lateral + finest.ToMap(_width, side / 2, side / 2).Resize(side / 2, side))
            .Conv(graph.Weight(Name + ".layer_1.0.weight", _width, _width, 3, 3), null, kernel: 3, padding: 1)
            .Reshape(-1, _width, side * side)
            .GroupNorm(Name + ".layer_1.1", _width, side * side)
            .Relu()
            .Reshape(-1, _width, side, side);
        return y.Conv(
            graph.Weight(Name + ".mask_projection.weight", config.MaskFeatureSize, _width, 1, 1),
            graph.Weight(Name + ".mask_projection.bias", config.MaskFeatureSize),
            kernel: 1);
    }

    private Value Cells(Value rows) => rows.Reshape(-1, _levels.TotalCells, _width);
}
