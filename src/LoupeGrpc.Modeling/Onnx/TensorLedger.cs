using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Onnx;

/// <summary>
/// What the graphs ask of a checkpoint. Errors are collected while graphs are built and reported together,
/// so that one run names everything that is missing.
/// </summary>
internal sealed class TensorLedger(ITensorSource source)
{
    /// <summary>Errors of one kind that are told one by one.</summary>
    private const int MaxShown = 20;

    private readonly HashSet<string> _asked = [];
    private readonly List<string> _missing = [];
    private readonly List<string> _misshapen = [];

    public ITensorSource Source => source;

    /// <summary>The names of every tensor asked for so far.</summary>
    public IReadOnlySet<string> Asked => _asked;

    /// <summary>Everything asked for so far is there in its shape.</summary>
    public bool IsValid => _missing.Count == 0 && _misshapen.Count == 0;

    /// <summary>Notes that a tensor is needed. Where it is missing, the result stands for it until <see cref="ThrowIfInvalid"/>.</summary>
    public TensorInfo Require(string name, params long[] shape)
    {
        bool isNew = _asked.Add(name);
        if (!source.TryGet(name, out var tensor))
        {
            if (isNew)
            {
                _missing.Add(name);
            }

            return new TensorInfo(name, ElementType.Float32, shape, "");
        }

        if (isNew && !tensor.Shape.SequenceEqual(shape))
        {
            _misshapen.Add($"{name} is [{string.Join(", ", tensor.Shape)}] in {tensor.Source}, the configuration needs [{string.Join(", ", shape)}]");
        }

        return tensor;
    }

    /// <summary>The values of a small tensor; zeros as long as it is missing or misshapen.</summary>
    public float[] Read(string name, params long[] shape)
    {
        var tensor = Require(name, shape);
        var values = new float[shape.Aggregate(1L, static (product, side) => product * side)];
        if (IsValid)
        {
            source.ReadFloats(tensor, 0, values);
        }

        return values;
    }

    /// <summary>Reports every file that gives the model nothing, and every tensor that is missing, has another shape, or that the configuration has no place for.</summary>
    /// <exception cref="CheckpointException">Names each of them.</exception>
    public void ThrowIfInvalid()
    {
        var files = source.UseFor(_asked);
        var useless = files.Where(static file => file.Problem is not null).DistinctBy(static file => file.Path).ToDictionary(static file => file.Path, static file => file.Problem!, StringComparer.Ordinal);
        var errors = useless.Select(static file => $"{file.Key} {file.Value}").ToList();
        foreach (var part in _missing.GroupBy(PartOf))
        {
            errors.AddRange(_asked.Count(name => PartOf(name) == part.Key) == part.Count()
                ? [$"all {part.Count()} tensors of {part.Key} are missing: was a checkpoint with this part left out?"]
                : Shown([.. part.Select(static name => $"{name} is missing")], $"tensors of {part.Key} are missing"));
        }

        errors.AddRange(Shown(_misshapen, "tensors have another shape than the configuration needs"));
        errors.AddRange(Shown([.. source.Tensors.Where(tensor => IsUnplaced(tensor) && !useless.ContainsKey(tensor.Source)).Select(static tensor =>
            $"{tensor.Name} in {tensor.Source} has no place in a model of this configuration")], "tensors have no place in it"));
        if (errors.Count > 0)
        {
            var read = files.Count > 0 ? files.Select(static file => file.Path) : source.Tensors.Select(static tensor => tensor.Source);
            throw new CheckpointException($"The weights do not fit the configuration (read from {string.Join(", ", read.Distinct())}):", errors);
        }
    }

    /// <summary>Enough lines to see what they have in common, and how many more there are.</summary>
    private static IEnumerable<string> Shown(List<string> errors, string what) => errors.Count <= MaxShown
        ? errors
        : errors.Take(MaxShown).Append($"and {errors.Count - MaxShown} more {what}");

    private static string PartOf(string name) => name.Split('.')[0];

    // A tensor that nothing asks for would mean that a layer or a switch of the trained model is lost without a word.
    private bool IsUnplaced(TensorInfo tensor)
    {
        string name = tensor.Name;
        bool isModel = PartOf(name) is "backbone" or "classifier" or "segmentor";
        bool isUnused = name.Contains(".criterion.", StringComparison.Ordinal)
            || name == "backbone.proj"
            || name.StartsWith("backbone.attn_pool.", StringComparison.Ordinal);
        return isModel && !isUnused && !_asked.Contains(name);
    }
}
