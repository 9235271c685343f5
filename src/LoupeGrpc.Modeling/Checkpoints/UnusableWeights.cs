namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>Says why a file gives nothing to a model, or would give it less than was trained.</summary>
internal static class UnusableWeights
{
    /// <summary>Enough to tell what most names have in common.</summary>
    private const int MaxCompared = 4096;

    /// <summary>A layer and its parameter, e.g. <c>class_predictor.bias</c>: one segment alone says nothing.</summary>
    private const int MinCommonSegments = 2;

    /// <summary>What the names of the tensors say of a file that must not be read as weights of a whole layer; null for any other.</summary>
    internal static string? OfKind(IReadOnlyList<StoredTensor> tensors)
    {
        var adapters = tensors.Count(static tensor => Segments(tensor.Name).Any(static segment => segment.StartsWith("lora_", StringComparison.OrdinalIgnoreCase)));
        if (adapters > 0)
        {
            return $"holds a LoRA adapter ({adapters} of its {tensors.Count} tensors are lora_A, lora_B and the like), which changes weights and does not replace them: "
                + "merge it into its model (merge_and_unload in peft) and save that";
        }

        return tensors.Any(static tensor => Segments(tensor.Name).Contains("_flat_param"))
            ? "holds flattened parameters of FSDP, a part for each process: save it with StateDictType.FULL_STATE_DICT"
            : null;
    }

    /// <summary>Why none of the file's tensors is used.</summary>
    /// <param name="asked">The names that the model asks for.</param>
    internal static string Explain(ITensorFile file, IReadOnlySet<string> asked)
    {
        if (file.Tensors.Count == 0)
        {
            return file.Contents is { } contents ? $"holds no tensors, only {contents}" : "holds no tensors";
        }

        var names = file.Tensors.Select(static tensor => tensor.Name).ToList();
        var none = $"none of its {names.Count} tensors is used";
        if (MostCommonDifference(names, asked) is not { } difference)
        {
            return $"{none} by a model of this configuration: {WeightsUse.Shown(names)}";
        }

        var (theirs, ours, example) = difference;
        return (theirs, ours) switch
        {
            (_, "") => $"{none}: names begin with '{theirs}', which the model's names do not ({example})",
            ("", _) => $"{none}: names lack the '{ours}' that the model's names begin with ({example})",
            _ => $"{none}: names begin with '{theirs}' where the model's begin with '{ours}' ({example})",
        };
    }

    private static (string Theirs, string Ours, string Example)? MostCommonDifference(List<string> names, IReadOnlySet<string> asked)
    {
        var ends = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in asked)
        {
            foreach (var end in Ends(name))
            {
                ends.TryAdd(end, name);
            }
        }

        return names
            .Take(MaxCompared)
            .Select(name => Ends(name).FirstOrDefault(ends.ContainsKey) is { } end ? (Theirs: name[..^end.Length], Ours: ends[end][..^end.Length], Example: name) : default)
            .Where(static difference => difference.Example is not null && difference.Theirs != difference.Ours)
            .GroupBy(static difference => (difference.Theirs, difference.Ours))
            .MaxBy(static group => group.Count())?
            .First();
    }

    /// <summary>The ends of a name at its dots, the longest (the name itself) first.</summary>
    private static IEnumerable<string> Ends(string name)
    {
        var segments = Segments(name);
        return Enumerable.Range(0, Math.Max(0, segments.Length - MinCommonSegments + 1)).Select(start => string.Join('.', segments[start..]));
    }

    private static string[] Segments(string name) => name.Split('.');
}
