using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>What the mask decoder leaves.</summary>
/// <param name="HiddenStates">[B,L,Q,H], before the shared norm.</param>
/// <param name="MaskLogits">[B,Q,4g,4g] of the last prediction.</param>
/// <param name="ClassLogits">[B,Q,2] of the last prediction.</param>
internal sealed record Masks(Value HiddenStates, Value MaskLogits, Value ClassLogits);

/// <summary>The masked-attention decoder: queries look at one level a layer, where their last mask was not below one half.</summary>
internal sealed class MaskDecoder
{
    private const string Name = "segmentor.mask2former_decoder";

    // Its exponential is zero.
    private const float Blocked = -1e4f;

    private readonly GraphBuilder _graph;
    private readonly SegmentorConfig _config;
    private readonly Levels _levels;
    private readonly PredictionHead _head;
    private readonly int _grid;
    private readonly int _width;
    private readonly int _queries;

    public MaskDecoder(GraphBuilder graph, BackboneConfig backbone, SegmentorConfig config, PredictionHead head)
    {
        _graph = graph;
        _config = config;
        _levels = new Levels(backbone.Grid);
        _head = head;
        _grid = 4 * backbone.Grid;
        _width = config.HiddenDim;
        _queries = config.Queries;
    }

    /// <summary>Predictions: the initial one and one after each layer.</summary>
    public static int Predictions(SegmentorConfig config) => config.DecoderLayers;

    /// <param name="batch">The number of pictures, int64 [1].</param>
    public Masks Build(PixelFeatures pixels, Value batch)
    {
        _graph.Within("decoder.source");
        var sources = Sources(pixels.Levels);
        var masks = new MaskFeatures(this, pixels.MaskFeatures);

        _graph.Within("decoder.queries");
        var position = _graph.Weight(Name + ".queries_embedder.weight", ElementType.Float32, _queries, _width);
        var x = _graph.WeightAs(Name + ".queries_features.weight", ElementType.Float32, [_queries, _width], [1, _queries, _width])
            .Expand(Value.Concat(0, batch, _graph.Int64s(_queries, _width)));

        List<Value> hidden = [x];
        List<Value> normed = [_head.Norm(x)];
        for (int i = 0; i < Predictions(_config) - 1; i++)
        {
            int level = i % Levels.Count;
            _graph.Within($"decoder.mask.{i}");
            var bias = AttentionBias(_head.Masks(normed[^1]).MatMul(masks.OfLevel(level)), level);
            _graph.Within($"decoder.layer.{i}");
            x = Layer(x, i, position, sources[level], bias);
            hidden.Add(x);
            normed.Add(_head.Norm(x));
        }

        _graph.Within("decoder.prediction");
        ExposeEveryPrediction(hidden, normed, masks);
        return new Masks(Stack(hidden, 1), masks.Logits(normed[^1]), _head.Classes(normed[^1]));
    }

    /// <summary>Keys and values before their projections, as rows of each level.</summary>
    private (Value Keys, Value Values)[] Sources(IReadOnlyList<Value> levels)
    {
        float[] levelEmbedding = _graph.Tensors.Read(Name + ".level_embed.weight", Levels.Count, _width);
        return [.. levels.Select((cells, level) =>
        {
            var source = cells;
            if (_config.FeatureSize != _width)
            {
                source = cells.Rows(_config.FeatureSize)
                    .Pointwise($"{Name}.input_projections.{level}", _config.FeatureSize, _width, bias: true)
                    .ToSingle()
                    .Reshape(-1, _levels.Cells(level), _width);
            }

            source += _graph.Computed($"{Name}.level_embed.{level}", ElementType.Float32, levelEmbedding[(level * _width)..((level + 1) * _width)], _width);
            var position = _graph.Computed(
                $"{Name}.position.{level}", ElementType.Float32, SinePosition.Of(_levels.Sides[level], _width), _levels.Cells(level), _width);
            return ((source + position).Rows(_width), source.Rows(_width));
        })];
    }

    /// <summary>
    /// From mask logits [B,Q,cells] to what is added to attention scores, [B,1,Q,cells]: nothing where the logit is not below zero, and nothing
    /// anywhere for a query that would see no cell at all.
    /// </summary>
    private Value AttentionBias(Value logits, int level)
    {
        var zero = _graph.Scalar(0, logits.Type);
        var isBlind = logits.MaxOfLast().Less(zero);
        var lowest = isBlind.Where(_graph.Scalar(float.MinValue, logits.Type), zero);
        return logits.Less(lowest)
            .Where(_graph.Scalar(Blocked, logits.Type), zero)
            .Reshape(-1, 1, _queries, _levels.Cells(level));
    }

    private Value Layer(Value x, int index, Value position, (Value Keys, Value Values) source, Value bias)
    {
        string name = $"{Name}.decoder.layers.{index}";
        int heads = _config.AttentionHeads;
        int cells = _levels.Cells(index % Levels.Count);

        var cross = new PackedLinear(_graph, name + ".cross_attn", _width);
        var attended = Attention.Attend(
            Attention.QueryProjection((x + position).Rows(_width), name + ".cross_attn.query", cross.Part(0), heads),
            cross.Part(1).Project(source.Keys, name + ".cross_attn.key"),
            cross.Part(2).Project(source.Values, name + ".cross_attn.value"),
            _width,
            heads,
            _queries,
            cells,
            bias);
        x = AddAndNorm(x, attended.Linear(name + ".cross_attn.out_proj", _width, _width), name + ".cross_attn_layer_norm");

        var positioned = (x + position).Rows(_width);
        attended = Attention.Attend(
            Attention.QueryProjection(positioned, name + ".self_attn.query", PackedLinear.Single(_graph, name + ".self_attn.q_proj", _width), heads),
            positioned.Linear(name + ".self_attn.k_proj", _width, _width),
            x.Rows(_width).Linear(name + ".self_attn.v_proj", _width, _width),
            _width,
            heads,
            _queries,
            _queries);
        x = AddAndNorm(x, attended.Linear(name + ".self_attn.out_proj", _width, _width), name + ".self_attn_layer_norm");

        var inner = x.Rows(_width).Mlp(name + ".fc1", name + ".fc2", _width, _config.DecoderFeedForward, static hidden => hidden.Relu());
        x = AddAndNorm(x, inner, name + ".final_layer_norm");
        _graph.Stage($"decoder.layer.{index}", () => x, Dim.Batch, _queries, _width);
        return x;
    }

    private Value AddAndNorm(Value x, Value rows, string norm) => (x + rows.ToSingle().Reshape(-1, _queries, _width)).LayerNorm(norm, _width);

    private void ExposeEveryPrediction(List<Value> hidden, List<Value> normed, MaskFeatures masks)
    {
        int count = hidden.Count;
        _graph.Stage("decoder.hidden_states", () => Stack(normed, 0), count, Dim.Batch, _queries, _width);
        _graph.Stage("decoder.class_logits", () => Stack(normed.ConvertAll(_head.Classes), 0), count, Dim.Batch, _queries, 2);
        _graph.Stage("decoder.mask_logits", () => Stack(normed.ConvertAll(masks.Logits), 0), count, Dim.Batch, _queries, _grid, _grid);
    }

    /// <summary>Equal shapes beside each other along a new axis.</summary>
    private static Value Stack(List<Value> values, int axis) =>
        Value.Concat(axis, [.. values.Select(value => value.Graph.Node("Unsqueeze", value.Type, [value, value.Graph.Int64s(axis)]))]);

    /// <summary>
    /// Mask features for the predictions. A mask is resized to a level by resizing the features once: the resize and the product with the embedding
    /// are both linear, so their order does not matter. The sums over the features are fp32.
    /// </summary>
    private sealed class MaskFeatures(MaskDecoder decoder, Value features)
    {
        private readonly Value _features = features.ToSingle();
        private readonly Value?[] _levels = new Value?[Levels.Count];
        private Value? _whole;

        /// <summary>[B,M,cells] of a level.</summary>
        public Value OfLevel(int level)
        {
            int cells = decoder._levels.Cells(level);
            return _levels[level] ??= _features.Resize(decoder._grid, decoder._levels.Sides[level]).Reshape(-1, decoder._config.MaskFeatureSize, cells);
        }

        /// <summary>Mask logits [B,Q,4g,4g] of normed hidden states.</summary>
        public Value Logits(Value normed)
        {
            _whole ??= _features.Reshape(-1, decoder._config.MaskFeatureSize, decoder._grid * decoder._grid);
            return decoder._head.Masks(normed).MatMul(_whole).Reshape(-1, decoder._queries, decoder._grid, decoder._grid);
        }
    }
}
