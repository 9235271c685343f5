using System.Diagnostics.CodeAnalysis;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>
/// The weights of a model out of one or several files laid over each other. Only headers are in memory: elements are read from the files
/// when asked for, which therefore must stay as they are. Not thread-safe.
/// </summary>
public sealed class Checkpoint : ITensorSource, IDisposable
{
    private readonly List<ITensorFile> _files = [];
    private readonly OrderedDictionary<string, (TensorInfo Info, ITensorFile File, StoredTensor Stored)> _tensors = new(StringComparer.Ordinal);

    private Checkpoint()
    {
    }

    /// <inheritdoc/>
    public IEnumerable<TensorInfo> Tensors => _tensors.Values.Select(entry => entry.Info);

    /// <summary>Opens safetensors and PyTorch files and takes the prefixes and wrappers of training off their tensors' names.</summary>
    /// <param name="paths">At least one. A tensor that several have is taken from the last of them.</param>
    /// <exception cref="CheckpointException">A file cannot be read, is damaged, of another kind, or refused.</exception>
    public static Checkpoint Open(IReadOnlyList<string> paths)
    {
        if (paths.Count == 0)
        {
            throw new CheckpointException("no weights file was given");
        }

        var checkpoint = new Checkpoint();
        try
        {
            foreach (var path in paths)
            {
                checkpoint.Overlay(CheckpointFiles.Open(path));
            }

            return checkpoint;
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
            throw CheckpointException.InFile(file.Path, $"tensor {tensor.Name} cannot be read: {exception.Message}", exception);
        }
    }

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Overlay(ITensorFile file)
    {
        _files.Add(file);
        foreach (var (name, stored) in BareNames.Map(file))
        {
            _tensors[name] = (new TensorInfo(name, stored.ElementType, stored.Shape, file.Path), file, stored);
        }
    }
}
