using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A safetensors file as a checkpoint.</summary>
internal sealed class SafetensorsTensorFile : ITensorFile
{
    private readonly SafetensorsFile _file;

    internal SafetensorsTensorFile(string path)
    {
        _file = SafetensorsFile.Open(path);
        Tensors = [.. _file.Tensors.Values.Select(tensor => new StoredTensor(tensor.Name, tensor.ElementType, tensor.Shape))];
    }

    public string Path => _file.Path;

    public string Format => "safetensors";

    public long Length => _file.Length;

    public string? Wrapper => null;

    public IReadOnlyList<StoredTensor> Tensors { get; }

    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    public void ReadFloats(StoredTensor tensor, long start, Span<float> destination) => _file.ReadFloats(_file.Tensors[tensor.Name], start, destination);

    public void Dispose() => _file.Dispose();
}
