namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>From the names in a file to those of the model: what training wrappers put before them is taken away.</summary>
internal static class BareNames
{
    private const string VisualPrefix = "visual.";
    private const string BackbonePrefix = "backbone.";

    /// <summary>In every published backbone, and in no text tower beside it.</summary>
    private const string BackboneMark = "conv1.weight";

    private static readonly string[] WrapperPrefixes = ["module.", "loupe."];

    private static readonly string[] Parts = [BackbonePrefix, "classifier.", "segmentor."];

    /// <summary>A projection that Loupe does not use, and the class weights of the training loss.</summary>
    private static readonly HashSet<string> Ignored = ["backbone.proj", "segmentor.criterion.empty_weight"];

    /// <summary>The tensors of one file that count, by bare name, in the order of the file.</summary>
    /// <exception cref="CheckpointException">Two of its tensors have the same bare name.</exception>
    internal static OrderedDictionary<string, StoredTensor> Map(ITensorFile file)
    {
        var unwrapped = file.Tensors.Select(tensor => (Name: Unwrap(tensor.Name), Tensor: tensor)).ToList();

        // The text tower beside a visual one uses the same names: it must not get into the backbone.
        var named = unwrapped.Exists(entry => entry.Name.StartsWith(VisualPrefix, StringComparison.Ordinal))
            ? unwrapped
                .Where(entry => entry.Name.StartsWith(VisualPrefix, StringComparison.Ordinal))
                .Select(entry => (Name: BackbonePrefix + entry.Name[VisualPrefix.Length..], entry.Tensor))
            : IsBareBackbone(unwrapped.Select(entry => entry.Name))
                ? unwrapped.Select(entry => (Name: BackbonePrefix + entry.Name, entry.Tensor))
                : unwrapped;

        var map = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in named.Where(entry => !Ignored.Contains(entry.Name)))
        {
            if (!map.TryAdd(name, tensor))
            {
                throw CheckpointException.InFile(file.Path, $"{map[name].Name} and {tensor.Name} are both tensor {name}");
            }
        }

        return map;
    }

    private static string Unwrap(string name)
    {
        while (Array.Find(WrapperPrefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal)) is { } found)
        {
            name = name[found.Length..];
        }

        return name;
    }

    private static bool IsBareBackbone(IEnumerable<string> names)
    {
        var all = names.ToList();
        return all.Contains(BackboneMark) && !all.Exists(name => Array.Exists(Parts, part => name.StartsWith(part, StringComparison.Ordinal)));
    }
}
