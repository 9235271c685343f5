using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// Loss of the pseudo-label criterion and its exact gradient for the adapted tensors, written out as ordinary operators: hidden states and mask
/// features do not depend on these tensors (the attention mask does, but carries no gradient), so the gradient needs no part of the decoder.
/// </summary>
/// <remarks>
/// Everything is fp32, in a model of half precision too, where only the mask features arrive as halves. Letters in comments: B pictures, L predictions, Q queries, H hidden width, M mask features, K = 4g·4g cells.
/// A picture that counts as authentic (p ≤ 0.5) has no matched query: only the class loss, towards "nothing", remains.
/// </remarks>
internal static class AdaptGraph
{
    private const float NormEpsilon = 1e-5f;
    private const float TverskyEpsilon = 1e-6f;

    public static void Build(GraphBuilder graph, LoupeConfig config)
    {
        var (segmentor, loss) = (config.Segmentor, config.Loss);
        int grid = config.Backbone.Grid;
        int cells = 16 * grid * grid;
        var (predictions, queries, hidden, channels) =
            (MaskDecoder.Predictions(segmentor), segmentor.Queries, segmentor.HiddenDim, segmentor.MaskFeatureSize);
        int rows = predictions * queries;

        var states = graph.Input(PackageTensors.HiddenStates, ElementType.Float32, Dim.Batch, predictions, queries, hidden);
        var map = graph.Input(PackageTensors.MaskFeatures, graph.Compute, Dim.Batch, channels, 4 * grid, 4 * grid).ToSingle().Reshape(-1, channels, cells);
        var patches = graph.Input(PackageTensors.PatchProbabilities, ElementType.Float32, Dim.Batch, grid * grid);
        var score = graph.Input(PackageTensors.PseudoLabel, ElementType.Float32, Dim.Batch);
        var theta = AdaptedHead.Declare(graph, segmentor);

        graph.Within("adapt.target");
        var target = patches.Reshape(-1, 1, grid, grid).Resize(grid, 4 * grid).Reshape(-1, 1, cells); // [B,1,K]
        var forged = graph.Scalar(0.5f, ElementType.Float32).Less(score).Cast(ElementType.Float32).Reshape(-1, 1); // [B,1]

        // Forward, all predictions of a picture as one matrix of L·Q rows.
        graph.Within("adapt.forward");
        var unit = states.Reshape(-1, rows, hidden)
            .LayerNorm(graph.Floats([.. Enumerable.Repeat(1f, hidden)]), graph.Floats(new float[hidden]), NormEpsilon);
        var normed = unit * theta.NormWeight + theta.NormBias;
        var first = theta.Embedder[0].Apply(normed).Relu();
        var second = theta.Embedder[1].Apply(first).Relu();
        var embedding = theta.Embedder[2].Apply(second); // [B,LQ,M]
        var classes = theta.Classes.Apply(normed); // [B,LQ,2]
        var probabilities = classes.Softmax();

        graph.Within("adapt.match");
        var best = Match(loss, map, target, embedding, probabilities, predictions, queries, cells); // [B,L]
        var chosen = graph.Int64s([.. Enumerable.Range(0, queries).Select(static query => (long)query)])
            .Equal(best.Reshape(-1, predictions, 1)).Cast(ElementType.Float32); // [B,L,Q], one 1 in each row

        // The matched query of each prediction: [B,L,·].
        Value Matched(Value all, int width) =>
            chosen.Reshape(-1, predictions, 1, queries).MatMul(all.Reshape(-1, predictions, queries, width)).Reshape(-1, predictions, width);

        graph.Within("adapt.mask_loss");
        var (maskLoss, maskGradient) = MaskLoss(loss, Matched(embedding, channels).MatMul(map), target, cells);
        maskLoss *= forged;
        maskGradient *= forged.Reshape(-1, 1, 1);

        graph.Within("adapt.class_loss");
        var isForged = (chosen * forged.Reshape(-1, 1, 1)).Reshape(-1, rows, 1); // [B,LQ,1]
        var (classLoss, classGradient) = ClassLoss(loss, classes, probabilities, isForged, predictions, queries);

        // Backward through the mask embedder, the matched rows only.
        graph.Within("adapt.backward");
        var embeddingGradient = map.MatMul(maskGradient.Transpose(0, 2, 1)).Transpose(0, 2, 1); // [B,L,M]
        var layers = new List<Value>();
        var upstream = embeddingGradient;
        Value[] inputs = [Matched(normed, hidden), Matched(first, hidden), Matched(second, hidden)];
        for (int i = 2; i >= 0; i--)
        {
            layers.InsertRange(0, [upstream.Transpose(0, 2, 1).MatMul(inputs[i]).Flatten(), upstream.Sum(1)]);
            upstream = upstream.MatMul(theta.Embedder[i].Weight);
            if (i > 0)
            {
                upstream *= graph.Scalar(0f, ElementType.Float32).Less(inputs[i]).Cast(ElementType.Float32);
            }
        }

        // Every row through the class predictor; the matched ones through the embedder too.
        var scattered = (chosen.Reshape(-1, predictions, queries, 1) * upstream.Reshape(-1, predictions, 1, hidden)).Reshape(-1, rows, hidden);
        var normedGradient = classGradient.MatMul(theta.Classes.Weight) + scattered;

        graph.Within("adapt.output");
        var gradients = Value.Concat(
            1,
            [
                (normedGradient * unit).Sum(1), normedGradient.Sum(1),
                .. layers,
                classGradient.Transpose(0, 2, 1).MatMul(normed).Flatten(), classGradient.Sum(1),
            ]);
        graph.Output(PackageTensors.Loss, (maskLoss + classLoss).Sum(1), Dim.Batch);
        graph.Output(PackageTensors.MatchedQuery, graph.Scalar(0.5f, ElementType.Float32).Less(score).Reshape(-1, 1).Where(best, graph.Int64s(-1)), Dim.Batch, predictions);
        graph.Output(PackageTensors.Gradients, gradients, Dim.Batch, AdaptedInputs.Shapes(segmentor).Sum(static tensor => tensor.Shape.Aggregate(1, static (a, b) => a * b)));
    }

    /// <summary>The query of each prediction that fits the target best, int64 [B,L]; the first of equals. Carries no gradient.</summary>
    private static Value Match(
        LossConfig loss, Value map, Value target, Value embedding, Value probabilities, int predictions, int queries, int cells)
    {
        var column = target.Transpose(0, 2, 1); // [B,K,1]
        var logits = embedding.MatMul(map); // [B,LQ,K]
        var mask = logits.Sigmoid();

        // mean BCE(z, t) = (Σ softplus(z) − Σ z·t) / K
        var entropy = (Softplus(logits, mask).Sum(2, keep: true) - logits.MatMul(column)) / cells;
        var overlap = (mask.MatMul(column) * 2 + 1) / (mask.Sum(2, keep: true) + target.Sum(2, keep: true) + 1);
        var cost = entropy * (float)loss.MaskWeight + (1 - overlap) * (float)loss.DiceWeight - probabilities.Slice(2, 0, 1);
        return cost.Reshape(-1, predictions, queries).ArgMin(2);
    }

    /// <summary>Poly-focal and Tversky loss of the matched masks [B,L], and its gradient for their logits [B,L,K].</summary>
    private static (Value Loss, Value Gradient) MaskLoss(LossConfig loss, Value logits, Value target, int cells)
    {
        var (alpha, epsilon, tversky) = ((float)loss.PixelForgeWeight, (float)loss.PixelPolyEpsilon, (float)loss.TverskyAlpha);
        var s = logits.Sigmoid();
        var off = 1 - s;
        var offTarget = 1 - target;
        var slope = s * off; // dσ/dz

        var weight = target * alpha + offTarget * (1 - alpha);
        var entropy = (Softplus(logits, s) - logits * target) * weight;
        var miss = 1 - (target * s + offTarget * off); // 1 − pt
        var missSquared = miss * miss;
        var poly = (entropy * missSquared + missSquared * miss * epsilon).Mean(2);
        var missSlope = (1 - target * 2) * slope; // d(1 − pt)/dz
        var polyGradient = weight * (s - target) * missSquared + missSlope * (entropy * miss * 2 + missSquared * (3 * epsilon));

        var hit = (s * target).Sum(2, keep: true);
        var falseArea = (s * offTarget).Sum(2, keep: true);
        var missedArea = (off * target).Sum(2, keep: true);
        var numerator = hit + TverskyEpsilon;
        var denominator = hit + falseArea * tversky + missedArea * (1 - tversky) + TverskyEpsilon;

        // d denominator / ds is `tversky` at every cell: t + a(1 − t) − (1 − a)t.
        var ratioGradient = (numerator * tversky - denominator * target) / (denominator * denominator) * slope;
        var total = poly * (float)loss.MaskWeight + ((1 - numerator / denominator) * (float)loss.DiceWeight).Sum(2);
        return (total, polyGradient * (float)(loss.MaskWeight / cells) + ratioGradient * (float)loss.DiceWeight);
    }

    /// <summary>
    /// log(1 + exp(z)) = max(z, 0) − log(max(s, 1 − s)) for s = σ(z): as exact as the operator of this name, which computes two exponentials
    /// and two logarithms a cell, at a third of the time.
    /// </summary>
    private static Value Softplus(Value logits, Value s) => logits.Relu() - s.Max(1 - s).Log();

    /// <summary>Weighted cross entropy of the classes [B,L], and its gradient for the class logits [B,LQ,2].</summary>
    private static (Value Loss, Value Gradient) ClassLoss(
        LossConfig loss, Value classes, Value probabilities, Value isForged, int predictions, int queries)
    {
        var isNothing = 1 - isForged;
        var truth = Value.Concat(2, isForged, isNothing);
        var weight = isForged + isNothing * (float)loss.NoObjectWeight; // [B,LQ,1]
        var total = weight.Reshape(-1, predictions, queries).Sum(2, keep: true); // [B,L,1]
        var share = (weight.Reshape(-1, predictions, queries) / total).Reshape(-1, predictions * queries, 1) * (float)loss.ClassWeight;
        var entropy = -(classes.LogSoftmax() * truth).Sum(2, keep: true) * share;
        return (entropy.Reshape(-1, predictions, queries).Sum(2), (probabilities - truth) * share);
    }
}
