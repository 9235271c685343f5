using System.IO.Hashing;
using System.Text;
using LoupeGrpc.Files;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

/// <summary>A file written by <c>torch.save</c> in the zip form of PyTorch 1.6 and later. Elements are read where they lie in the file.</summary>
internal sealed class TorchArchive : ITensorFile
{
    private const string PickleName = "data.pkl";

    private readonly RandomAccessFile _file;
    private readonly ZipDirectory _directory;
    private readonly string _root;
    private readonly Dictionary<string, PickleTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _storageOffsets = new(StringComparer.Ordinal);
    private StridedTensor? _strided;

    private TorchArchive(RandomAccessFile file)
    {
        _file = file;
        _directory = new ZipDirectory(file);
        _root = FindRoot();
        CheckByteOrder();
        var root = PickleReader.Read(_file.Path, ReadPickle()) as PickleDict ?? throw Fault("does not hold a state_dict (names with tensors)");
        var state = StateDict.Find(root);
        Wrapper = state.Wrapper;
        Contents = state.Contents;
        NoteMetadata(root);
        foreach (var (name, tensor) in state.Tensors)
        {
            FindStorage(name, tensor.Storage);
            _tensors.Add(name, tensor);
        }

        Tensors = [.. _tensors.Select(entry => new StoredTensor(entry.Key, entry.Value.Storage.ElementType, entry.Value.Shape))];
    }

    public string Path => _file.Path;

    public string Format => "PyTorch";

    public long Length => _file.Length;

    public string? Wrapper { get; }

    public string? Contents { get; }

    public IReadOnlyList<StoredTensor> Tensors { get; }

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <exception cref="CheckpointException">The file is damaged or refused.</exception>
    internal static TorchArchive Open(string path)
    {
        var file = RandomAccessFile.Open(path);
        try
        {
            return new TorchArchive(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void ReadFloats(StoredTensor tensor, long start, Span<float> destination)
    {
        var view = _tensors[tensor.Name];
        if (start < 0 || start > view.Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(start), start, $"{tensor.Name} has {view.Length} elements.");
        }

        var storage = _storageOffsets[view.Storage.Key];
        if (StridedTensor.IsContiguous(view))
        {
            var size = view.Storage.ElementType.SizeOf();
            ElementReader.ReadFloats(_file, storage + ((view.Offset + start) * size), view.Storage.ElementType, destination);
            return;
        }

        // Kept for the next slice: whoever converts reads one tensor after the other.
        if (!ReferenceEquals(_strided?.View, view))
        {
            _strided = null;
            _strided = StridedTensor.Load(_file, storage, tensor.Name, view);
        }

        _strided.ReadFloats(start, destination);
    }

    public void Dispose() => _file.Dispose();

    private string FindRoot()
    {
        var pickles = _directory.Entries.Keys
            .Where(name => name == PickleName || (name.EndsWith($"/{PickleName}", StringComparison.Ordinal) && name.Count(c => c == '/') == 1))
            .ToList();
        if (pickles is not [var pickle])
        {
            throw Fault(pickles.Count == 0 ? $"a zip archive without {PickleName}, so not written by torch.save" : $"a zip archive with several {PickleName}");
        }

        var found = pickle[..^PickleName.Length];
        return _directory.Entries.ContainsKey($"{found}constants.pkl")
            ? throw Fault("a TorchScript program, not a checkpoint: save the model's state_dict with torch.save")
            : found;
    }

    private void CheckByteOrder()
    {
        const int LongestKnown = 6;
        if (!_directory.Entries.TryGetValue($"{_root}byteorder", out var entry))
        {
            return;
        }

        var order = Encoding.ASCII.GetString(Read(entry, LongestKnown));
        if (order != "little")
        {
            throw Fault($"its byte order is '{order}', only little-endian checkpoints are read");
        }
    }

    private byte[] ReadPickle()
    {
        var entry = _directory.Entries[_root + PickleName];
        var pickle = Read(entry, PickleReader.MaxBytes);
        return Crc32.HashToUInt32(pickle) == entry.Crc32 ? pickle : throw Fault($"{PickleName} is damaged: its checksum does not match");
    }

    /// <summary>The plain values beside the tensors, such as a trainer's version and step.</summary>
    private void NoteMetadata(PickleDict dict)
    {
        foreach (var (key, value) in dict.Entries)
        {
            if (value is string or long or double or bool)
            {
                _metadata.TryAdd(key, FormattableString.Invariant($"{value}"));
            }
        }
    }

    private void FindStorage(string name, PickleStorage storage)
    {
        if (!_directory.Entries.TryGetValue($"{_root}data/{storage.Key}", out var entry))
        {
            throw Fault($"the elements of tensor {name} are missing (entry data/{storage.Key})");
        }

        // The archive decides; a pickle that claims more would read what is not its own.
        if (entry.Length != storage.Length * storage.ElementType.SizeOf())
        {
            throw Fault($"tensor {name} needs {storage.Length} elements of {storage.ElementType}, its storage data/{storage.Key} has {entry.Length} bytes");
        }

        if (!_storageOffsets.ContainsKey(storage.Key))
        {
            _storageOffsets.Add(storage.Key, _directory.FindContent(entry));
        }
    }

    private byte[] Read(ZipEntry entry, int limit)
    {
        if (entry.Length > limit)
        {
            throw Fault($"{entry.Name} has {entry.Length} bytes, the limit is {limit}");
        }

        var bytes = new byte[entry.Length];
        _file.Read(_directory.FindContent(entry), bytes);
        return bytes;
    }

    private CheckpointException Fault(string problem) => CheckpointException.InFile(_file.Path, problem);
}
