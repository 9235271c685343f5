namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

/// <summary>The tensors of a model within what a training script saved, and where they stood.</summary>
/// <param name="Wrapper">The keys that lead to them, with dots between; null where they stand at the top.</param>
/// <param name="Tensors">
/// By name. Averaged weights that stand beside the model's own have the key they stand under before their names, as a prefix.
/// </param>
/// <param name="Contents">For people: what stands where the tensors were looked for; null where some were found.</param>
internal sealed record StateDict(string? Wrapper, OrderedDictionary<string, PickleTensor> Tensors, string? Contents)
{
    private const int MaxDepth = 4;
    private const int MaxShown = 8;

    /// <summary>Keys under which training scripts keep a model, the most telling first.</summary>
    private static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model", "module", "weights", "net", "network", "student"];

    internal static StateDict Find(PickleDict root)
    {
        var tensors = new OrderedDictionary<string, PickleTensor>(StringComparer.Ordinal);
        var wrappers = new List<string>();
        var dict = Unwrap(root, wrappers, out var averaged);
        Take(dict, string.Empty, tensors);
        foreach (var (key, holder) in averaged)
        {
            Take(Unwrap(holder, [], out _), $"{key}.", tensors);
        }

        return new StateDict(
            wrappers.Count == 0 ? null : string.Join('.', wrappers),
            tensors,
            tensors.Count == 0 && dict.Entries.Count > 0 ? Describe(dict) : null);
    }

    /// <summary>Follows keys to the dict that holds tensors.</summary>
    /// <param name="averaged">Dicts with running averages that were passed on the way, by their keys.</param>
    private static PickleDict Unwrap(PickleDict dict, List<string> wrappers, out List<(string Key, PickleDict Dict)> averaged)
    {
        averaged = [];
        while (wrappers.Count < MaxDepth)
        {
            averaged.AddRange(TensorNames.AveragedKeys.Select(key => (key, DictWithTensors(dict, key))).Where(static entry => entry.Item2 is not null)!);
            if ((Array.Find(Wrappers, key => DictWithTensors(dict, key) is not null) ?? OnlyKey(dict)) is not { } wrapper)
            {
                break;
            }

            wrappers.Add(wrapper);
            dict = (PickleDict)dict.Entries[wrapper]!;
        }

        return dict;
    }

    /// <summary>The key of the only dict with tensors where none is known, as long as no tensor stands beside it.</summary>
    private static string? OnlyKey(PickleDict dict)
        => dict.Entries.Values.Any(static value => value is PickleTensor)
            ? null
            : dict.Entries.Keys.Where(key => !TensorNames.AveragedKeys.Contains(key) && DictWithTensors(dict, key) is not null).Take(2).ToList() is [var only] ? only : null;

    private static PickleDict? DictWithTensors(PickleDict dict, string key)
        => dict.Entries.GetValueOrDefault(key) is PickleDict inner && HasTensors(inner, [], MaxDepth) ? inner : null;

    /// <param name="seen">A pickle can build dicts that hold each other: each is looked into once.</param>
    private static bool HasTensors(PickleDict dict, HashSet<PickleDict> seen, int depth)
        => seen.Add(dict) && depth > 0 && dict.Entries.Values.Any(value => value is PickleTensor || (value is PickleDict inner && HasTensors(inner, seen, depth - 1)));

    private static void Take(PickleDict dict, string prefix, OrderedDictionary<string, PickleTensor> tensors)
    {
        foreach (var (name, value) in dict.Entries)
        {
            if (value is PickleTensor tensor)
            {
                tensors.TryAdd(prefix + name, tensor);
            }
        }
    }

    private static string Describe(PickleDict dict)
    {
        var entries = dict.Entries.Select(static entry => entry.Value is PickleDict { Entries.Count: > 0 } inner ? $"{entry.Key} (with {inner.Entries.Count} entries)" : entry.Key);
        return string.Join(", ", entries.Take(MaxShown)) + (dict.Entries.Count > MaxShown ? $" and {dict.Entries.Count - MaxShown} more" : string.Empty);
    }
}
