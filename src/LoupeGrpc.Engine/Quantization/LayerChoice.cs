namespace LoupeGrpc.Engine.Quantization;

/// <summary>
/// Which layers are in 8 bits: all but those that alone take much of what is allowed, and then, while the answers do not keep to the bound, but the next costliest.
/// </summary>
/// <param name="Effects">What each layer alone in 8 bits does, as a share of the bound, on some of the pictures.</param>
/// <param name="Quantized">By layer.</param>
/// <param name="Distances">On all pictures, with these in 8 bits.</param>
internal sealed record LayerChoice(IReadOnlyList<double> Effects, bool[] Quantized, AnswerDistances Distances)
{
    /// <summary>Effects are measured one layer at a time: on so many pictures, spread over the scores.</summary>
    private const int EffectPictures = 4;

    /// <summary>Of the bound, for one layer.</summary>
    private const double LargestEffect = 0.5;

    /// <summary>Of the layers; with more of them in single precision there is little left to gain.</summary>
    private const double LargestShareInSingle = 0.5;

    /// <param name="progress">Told how many layers were tried.</param>
    public static LayerChoice Make(LayerTrials trials, QuantizationBound bound, Action<int>? progress, CancellationToken cancellationToken)
    {
        int layers = trials.Layers.Count;
        var some = Spread(trials.Answers);
        var effects = new double[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            var alone = new bool[layers];
            alone[layer] = true;
            effects[layer] = trials.Try(alone, some, cancellationToken).ShareOf(bound);
            progress?.Invoke(layer + 1);
        }

        int[] all = [.. Enumerable.Range(0, trials.Answers.Count)];
        var costliest = new Queue<int>(Enumerable.Range(0, layers).OrderByDescending(layer => effects[layer]).Take((int)(LargestShareInSingle * layers)));
        var quantized = new bool[layers];
        Array.Fill(quantized, true);
        while (costliest.TryPeek(out int layer) && effects[layer] > LargestEffect)
        {
            quantized[costliest.Dequeue()] = false;
        }

        var best = new LayerChoice(effects, [.. quantized], trials.Try(quantized, all, cancellationToken));
        while (best.Distances.ShareOf(bound) > 1 && costliest.TryDequeue(out int layer))
        {
            quantized[layer] = false;
            var distances = trials.Try(quantized, all, cancellationToken);
            if (distances.ShareOf(bound) < best.Distances.ShareOf(bound))
            {
                best = new LayerChoice(effects, [.. quantized], distances);
            }
        }

        return best;
    }

    /// <summary>Pictures that lie evenly among all, by score.</summary>
    private static int[] Spread(IReadOnlyList<PictureAnswer> answers)
    {
        int[] byScore = [.. Enumerable.Range(0, answers.Count).OrderBy(picture => answers[picture].Score)];
        int count = Math.Min(EffectPictures, byScore.Length);
        return [.. Enumerable.Range(0, count).Select(index => byScore[(index + 1) * (byScore.Length - 1) / count])];
    }
}
