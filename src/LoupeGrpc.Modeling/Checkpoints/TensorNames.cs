namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>The names of one file's tensors as the model has them: what training wraps around them is stripped where that makes them the model's.</summary>
internal sealed class TensorNames
{
    private const string BackbonePart = "backbone";
    private const string VisualTower = "visual";

    /// <summary>In every published backbone, and in no text tower beside it.</summary>
    private const string BackboneMark = "conv1.weight";

    /// <summary>The prefix of the authors' own checkpoints, so not worth a line to the user.</summary>
    private const string OwnPrefix = "loupe";

    private static readonly HashSet<string> Parts = [BackbonePart, "classifier", "segmentor"];

    /// <summary>Modules that wrap another one (torch.compile, DDP, FSDP, DeepSpeed, checkpointing): they may stand before any part of a name.</summary>
    private static readonly HashSet<string> WrapperModules =
        ["module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

    /// <summary>What trainers call the model that they hold: at the front of a name only.</summary>
    private static readonly HashSet<string> Owners = [OwnPrefix, "model", "net", "network", "student"];

    /// <summary>A projection that Loupe does not use, and the class weights of the training loss.</summary>
    private static readonly HashSet<string> Unused = ["backbone.proj", "segmentor.criterion.empty_weight"];

    private readonly OrderedDictionary<string, StoredTensor> _tensors = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, int> _strippedPrefixes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _leftTwins = new(StringComparer.Ordinal);

    private TensorNames()
    {
    }

    /// <summary>What trainers call a running average of the model's weights, as a prefix of names or as a key of a checkpoint.</summary>
    internal static IReadOnlyCollection<string> AveragedKeys { get; } =
        ["ema", "ema_model", "model_ema", "ema_state_dict", "model_ema_state_dict", "state_dict_ema"];

    /// <summary>By the model's name, in the order of the file. What is not the model's keeps the name it has in the file.</summary>
    internal IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>What was stripped, each with the number of the model's tensors it was stripped from.</summary>
    internal IReadOnlyDictionary<string, int> StrippedPrefixes => _strippedPrefixes;

    /// <summary>Of tensors that the file has twice, plain and averaged, those that were not taken: by the name in the file.</summary>
    internal IReadOnlySet<string> LeftTwins => _leftTwins;

    /// <summary>How many of <see cref="Tensors"/> are averaged.</summary>
    internal int Averaged { get; private set; }

    /// <param name="takeAveraged">Which of the two to take where the file holds a tensor plain and averaged.</param>
    /// <exception cref="CheckpointException">Two of the file's tensors have the same name in the model.</exception>
    internal static TensorNames Of(ITensorFile file, bool takeAveraged)
    {
        var all = file.Tensors.Select(static tensor => Name.Of(tensor)).ToList();
        var hasVisual = all.Exists(static name => name.Part == VisualTower);
        var isBareBackbone = !hasVisual && all.Exists(static name => name.Bare == BackboneMark) && !all.Exists(static name => Parts.Contains(name.Part));
        var names = new TensorNames();
        var taken = new Dictionary<string, Name>(StringComparer.Ordinal);
        foreach (var name in all)
        {
            // The text tower beside a visual one uses the same names: it must not get into the backbone.
            var bare = hasVisual
                ? name.Part == VisualTower ? BackbonePart + name.Bare[VisualTower.Length..] : null
                : isBareBackbone
                    ? $"{BackbonePart}.{name.Bare}"
                    : Parts.Contains(name.Part) ? name.Bare : name.Tensor.Name;
            if (bare is null || Unused.Contains(bare))
            {
                continue;
            }

            if (!taken.TryAdd(bare, name))
            {
                var other = taken[bare];
                if (other.IsAveraged == name.IsAveraged)
                {
                    throw CheckpointException.InFile(file.Path, $"{other.Tensor.Name} and {name.Tensor.Name} are both tensor {bare}");
                }

                var (wanted, left) = name.IsAveraged == takeAveraged ? (name, other) : (other, name);
                taken[bare] = wanted;
                names._leftTwins.Add(left.Tensor.Name);
            }
        }

        foreach (var (bare, name) in taken)
        {
            names.Take(bare, name);
        }

        return names;
    }

    private void Take(string bare, Name name)
    {
        _tensors.Add(bare, name.Tensor);
        if (!Parts.Contains(FirstSegment(bare)))
        {
            return;
        }

        Averaged += name.IsAveraged ? 1 : 0;
        if (name.Stripped.Length > 0)
        {
            _strippedPrefixes[name.Stripped] = _strippedPrefixes.GetValueOrDefault(name.Stripped) + 1;
        }
    }

    private static string FirstSegment(string name) => name.Split('.', 2)[0];

    /// <summary>A name taken apart.</summary>
    /// <param name="Bare">What is left without wrappers and owners.</param>
    /// <param name="Stripped">What was taken away, each part once and with a dot behind it.</param>
    private sealed record Name(StoredTensor Tensor, string Bare, string Stripped, bool IsAveraged)
    {
        internal string Part { get; } = FirstSegment(Bare);

        internal static Name Of(StoredTensor tensor)
        {
            var segments = tensor.Name.Split('.');
            var bare = new List<string>();
            var stripped = new List<string>();
            for (var i = 0; i < segments.Length; i++)
            {
                var segment = segments[i];
                var isWrapper = i < segments.Length - 1
                    && (WrapperModules.Contains(segment) || (bare.Count == 0 && (Owners.Contains(segment) || AveragedKeys.Contains(segment))));
                (isWrapper ? stripped : bare).Add(segment);
            }

            return new Name(
                tensor,
                string.Join('.', bare),
                string.Concat(stripped.Where(static segment => segment != OwnPrefix).Distinct().Select(static segment => $"{segment}.")),
                stripped.Exists(AveragedKeys.Contains));
        }
    }
}
