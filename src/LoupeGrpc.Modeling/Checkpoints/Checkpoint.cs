using System.Diagnostics.CodeAnalysis;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>
/// The weights of a model out of one or several files laid over each other. Only headers are in memory: elements are read from the files
/// when asked for, which therefore must stay as they are. Not thread-safe.
/// </summary>
public sealed class Checkpoint : ITensorSource, IDisposable
{
    private readonly List<(ITensorFile File, TensorNames Names)> _files = [];
    private readonly OrderedDictionary<string, (TensorInfo Info, ITensorFile File, StoredTensor Stored)> _tensors = new(StringComparer.Ordinal);
    private readonly bool _takeAveraged;

    private Checkpoint(bool takeAveraged) => _takeAveraged = takeAveraged;

    /// <inheritdoc/>
    public IEnumerable<TensorInfo> Tensors => _tensors.Values.Select(entry => entry.Info);

    /// <summary>Opens safetensors and PyTorch files and strips the prefixes and wrappers of training from their tensors' names.</summary>
    /// <param name="paths">
    /// At least one: a file, an index of shards, or a folder of a Hugging Face model or of DeepSpeed. A tensor that several have is taken from the last of them.
    /// </param>
    /// <param name="takeAveraged">Which to take where a file holds the running average (EMA) of weights beside the weights themselves. Default: these.</param>
    /// <exception cref="CheckpointException">A file cannot be read, is damaged, of another kind, or refused; or averaged weights are wanted and there are none.</exception>
    public static Checkpoint Open(IReadOnlyList<string> paths, bool takeAveraged = false)
    {
        if (paths.Count == 0)
        {
            throw new CheckpointException("no weights file was given");
        }

        var checkpoint = new Checkpoint(takeAveraged);
        try
        {
            foreach (var path in paths)
            {
                checkpoint.Overlay(CheckpointFiles.Open(path));
            }

            return !takeAveraged || checkpoint._files.Exists(static file => file.Names.Averaged > 0)
                ? checkpoint
                : throw new CheckpointException($"averaged (EMA) weights were asked for with --ema, but there are none in {string.Join(", ", paths)}");
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _tensors.TryGetValue(name, out var entry) ? entry.Info : null;
        return tensor is not null;
    }

    /// <inheritdoc/>
    /// <exception cref="CheckpointException">The file can no longer be read.</exception>
    public void ReadFloats(TensorInfo tensor, long start, Span<float> destination)
    {
        var (_, file, stored) = _tensors[tensor.Name];
        try
        {
            file.ReadFloats(stored, start, destination);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.InFile(tensor.Source, $"tensor {tensor.Name} cannot be read: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<WeightsUse> UseFor(IReadOnlySet<string> names) => [.. _files.Select(entry => UseFor(names, entry.File, entry.Names))];

    public void Dispose() => _files.ForEach(entry => entry.File.Dispose());

    private WeightsUse UseFor(IReadOnlySet<string> asked, ITensorFile file, TensorNames names)
    {
        var wanted = names.Tensors.Where(entry => asked.Contains(entry.Key)).ToList();
        var used = wanted.Count(entry => _tensors[entry.Key].File == file);
        var wantedNames = wanted.Select(static entry => entry.Value.Name).ToHashSet(StringComparer.Ordinal);
        return new WeightsUse(
            file.Path,
            file.Tensors.Count,
            used,
            wanted.Count - used,
            [.. file.Tensors.Select(static tensor => tensor.Name).Where(name => !wantedNames.Contains(name) && !names.LeftTwins.Contains(name))],
            NotesOn(file, names, _takeAveraged))
        {
            Problem = UnusableWeights.OfKind(file.Tensors) ?? (wanted.Count > 0 ? null : UnusableWeights.Explain(file, asked)),
        };
    }

    /// <summary>What was done to read the file, a sentence each without a full stop.</summary>
    internal static IReadOnlyList<string> NotesOn(ITensorFile file, TensorNames names, bool takeAveraged)
    {
        var notes = new List<string>();
        if (file.Wrapper is not null)
        {
            notes.Add($"read the tensors under {file.Wrapper}");
        }

        notes.AddRange(names.StrippedPrefixes.Select(static entry => $"stripped prefix {entry.Key} from {entry.Value} tensors"));
        if (names.LeftTwins.Count > 0)
        {
            var (taken, left) = takeAveraged ? ("averaged (EMA)", "plain") : ("plain", "averaged (EMA)");
            notes.Add($"took the {taken} weights of {names.LeftTwins.Count} tensors and left the {left} ones beside them");
        }

        return notes;
    }

    private void Overlay(ITensorFile file)
    {
        TensorNames names;
        try
        {
            names = TensorNames.Of(file, _takeAveraged);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        _files.Add((file, names));
        foreach (var (name, stored) in names.Tensors)
        {
            _tensors[name] = (new TensorInfo(name, stored.ElementType, stored.Shape, file.SourceOf(stored)), file, stored);
        }
    }
}
