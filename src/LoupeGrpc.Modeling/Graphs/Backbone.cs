using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>The Perception Encoder: pixels to one feature vector a token, and the pooled vector.</summary>
internal sealed class Backbone(GraphBuilder graph, BackboneConfig config)
{
    private readonly int _width = config.Width;
    private readonly int _tokens = config.Tokens;

    /// <summary>From pixels [B,3,S,S] to features as rows [B·T,C], fp32: what the blocks add up may have elements beyond half precision.</summary>
    public Value Features(Value pixels)
    {
        graph.Within("backbone.embedding");
        var x = Embed(pixels);
        if (config.UseLnPre)
        {
            x = x.LayerNorm("backbone.ln_pre", _width);
            StageOfTokens("backbone.ln_pre", x);
        }

        var rope = config.UseRope ? new RotaryEmbedding(graph, config) : null;
        for (int i = 0; i < config.Layers; i++)
        {
            graph.Within($"backbone.block.{i}");
            x = Block(x, $"backbone.transformer.resblocks.{i}", rope);
            StageOfTokens($"backbone.block.{i}", x);
        }

        graph.Within("backbone.ln_post");
        return config.UseLnPost ? x.LayerNorm("backbone.ln_post", _width) : x;
    }

    /// <summary>From features as rows to [B,C].</summary>
    public Value Pool(Value features)
    {
        graph.Within("backbone.pool");
        var tokens = features.Reshape(-1, _tokens, _width);
        var pooled = config.PoolType switch
        {
            PoolType.Attn => AttentionPool(tokens),
            PoolType.Tok => tokens.Slice(1, 0, 1).Rows(_width),
            PoolType.Avg => tokens.Mean(1),
            _ => throw new ArgumentOutOfRangeException(nameof(features), config.PoolType, null),
        };
        graph.Stage("pooled", () => pooled, Dim.Batch, _width);
        return pooled;
    }

    private Value Embed(Value pixels)
    {
        var weight = graph.Weight("backbone.conv1.weight", _width, 3, config.PatchSize, config.PatchSize);
        var x = pixels.Conv(weight, null, config.PatchSize, stride: config.PatchSize)
            .Reshape(-1, _width, config.Patches)
            .Transpose(0, 2, 1)
            .ToSingle();
        if (config.UseClassToken)
        {
            x = x.PadFront(rank: 3, axis: 1, count: 1);
        }

        if (config.UseClassToken || config.UsePositionEmbedding)
        {
            x += graph.Computed("backbone.embedding", ElementType.Float32, TokenEmbedding(), _tokens, _width);
        }

        return x.Rows(_width);
    }

    /// <summary>What is added to the tokens: positions, and the class token on the place kept free for it.</summary>
    private float[] TokenEmbedding()
    {
        float[] embedding = config.UsePositionEmbedding
            ? graph.Tensors.Read("backbone.positional_embedding", _tokens, _width)
            : new float[_tokens * _width];
        if (config.UseClassToken)
        {
            float[] token = graph.Tensors.Read("backbone.class_embedding", _width);
            for (int i = 0; i < token.Length; i++)
            {
                embedding[i] += token[i];
            }
        }

        return embedding;
    }

    private Value Block(Value x, string name, RotaryEmbedding? rope)
    {
        x += SelfAttention(x.LayerNorm(name + ".ln_1", _width), name, rope).ToSingle();
        var inner = x.LayerNorm(name + ".ln_2", _width)
            .Linear(name + ".mlp.c_fc", _width, (int)(_width * config.MlpRatio))
            .Gelu();
        return x + Scaled(inner, name + ".mlp.c_proj", (int)(_width * config.MlpRatio), name + ".ls_2").ToSingle();
    }

    private Value SelfAttention(Value x, string block, RotaryEmbedding? rope)
    {
        string name = block + ".attn";
        var packed = new PackedLinear(graph, name, _width);
        Func<int, int>? order = rope is null ? null : rope.SourceRow;
        var q = Split(Attention.QueryProjection(x, name + ".query", packed.Part(0), config.Heads, order));
        var k = Split(packed.Part(1).Project(x, name + ".key", order));
        var v = Split(packed.Part(2).Project(x, name + ".value"));
        if (rope is not null)
        {
            q = rope.Rotate(q);
            k = rope.Rotate(k);
        }

        return Scaled(Attention.Attend(q, k, v, _width), name + ".out_proj", _width, block + ".ls_1");

        Value Split(Value rows) => Attention.Heads(rows, _width, config.Heads, _tokens);
    }

    /// <summary>A linear layer with the block's layer scale, where it has one, folded into its rows.</summary>
    private Value Scaled(Value rows, string name, int inputs, string scale)
    {
        if (config.LayerScaleInit is null)
        {
            return rows.Linear(name, inputs, _width);
        }

        float[] gamma = graph.Tensors.Read(scale + ".gamma", _width);
        float[] bias = graph.Tensors.Read(name + ".bias", _width);
        for (int i = 0; i < bias.Length; i++)
        {
            bias[i] *= gamma[i];
        }

        var weight = graph.Weight(
            name + ".scaled.weight",
            graph.Compute,
            graph.Tensors.Require(name + ".weight", _width, inputs),
            [_width, inputs],
            row => new SourceRow(row, gamma[row]));
        return rows.Gemm(weight, graph.Computed(name + ".scaled.bias", graph.Compute, bias, _width));
    }

    private Value AttentionPool(Value tokens)
    {
        const string Name = "backbone.attn_pool";
        const int MlpRatio = 4;
        var probe = graph.WeightAs(Name + ".probe", ElementType.Float32, [1, 1, _width], [1, _width]);
        var y = Attention.AttendOne(probe, tokens, Name + ".attn", _width, config.PoolerHeads).ToSingle();
        var inner = y.LayerNorm(Name + ".layernorm", _width).Mlp(Name + ".mlp.c_fc", Name + ".mlp.c_proj", _width, MlpRatio * _width, static x => x.Gelu());
        return y + inner.ToSingle();
    }

    private void StageOfTokens(string stage, Value rows) =>
        graph.Stage(stage, () => rows.Reshape(-1, _tokens, _width), Dim.Batch, _tokens, _width);
}
