namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A model in several files, read through their index as one.</summary>
internal sealed class ShardedTensorFile : ITensorFile
{
    private readonly ShardIndex _index;
    private readonly List<ITensorFile> _shards = [];
    private readonly Dictionary<string, ITensorFile> _shardOf = new(StringComparer.Ordinal);
    private readonly List<StoredTensor> _tensors = [];

    private ShardedTensorFile(ShardIndex index) => _index = index;

    public string Path => _index.Path;

    public string Format => $"{(_shards.Count > 0 ? _shards[0].Format : "nothing")}, {_shards.Count} shards";

    public long Length => _shards.Sum(static shard => shard.Length);

    public string? Wrapper => null;

    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _index.Metadata;

    /// <exception cref="CheckpointException">The index or a shard cannot be read, or a shard does not hold what the index says.</exception>
    internal static ShardedTensorFile Open(string path)
    {
        var index = ShardIndex.Read(path);
        var file = new ShardedTensorFile(index);
        try
        {
            foreach (var (name, tensors) in index.Shards)
            {
                file.Add(name, tensors);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public string SourceOf(StoredTensor tensor) => _shardOf[tensor.Name].Path;

    public void ReadFloats(StoredTensor tensor, long start, Span<float> destination) => _shardOf[tensor.Name].ReadFloats(tensor, start, destination);

    public void Dispose() => _shards.ForEach(static shard => shard.Dispose());

    private void Add(string name, IReadOnlySet<string> expected)
    {
        var path = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? string.Empty, name);
        if (!File.Exists(path))
        {
            throw Fault($"shard {name} is missing, although the index names it for {expected.Count} tensors");
        }

        var shard = CheckpointFiles.OpenSingle(path);
        _shards.Add(shard);
        foreach (var tensor in shard.Tensors)
        {
            if (_shardOf.TryGetValue(tensor.Name, out var other))
            {
                throw Fault($"tensor {tensor.Name} is in two shards, {System.IO.Path.GetFileName(other.Path)} and {name}");
            }

            if (!expected.Contains(tensor.Name))
            {
                throw Fault($"shard {name} holds tensor {tensor.Name}, which the index does not place there: the files are not of one model");
            }

            _shardOf.Add(tensor.Name, shard);
            _tensors.Add(tensor);
        }

        if (expected.FirstOrDefault(tensor => !_shardOf.ContainsKey(tensor)) is { } missing)
        {
            throw Fault($"shard {name} lacks tensor {missing}, which the index places there");
        }
    }

    private CheckpointException Fault(string problem) => CheckpointException.InFile(Path, problem);
}
