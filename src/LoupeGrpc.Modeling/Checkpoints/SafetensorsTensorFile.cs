using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A safetensors file as a checkpoint.</summary>
internal sealed class SafetensorsTensorFile : ITensorFile
{
    private readonly SafetensorsFile file;

    internal SafetensorsTensorFile(string path)
    {
        file = SafetensorsFile.Open(path);
        Tensors = [.. file.Tensors.Values.Select(tensor => new StoredTensor(tensor.Name, tensor.ElementType, tensor.Shape))];
    }

    public string Path => file.Path;

    public string Format => "safetensors";

    public long Length => file.Length;

    public string? Wrapper => null;

    public IReadOnlyList<StoredTensor> Tensors { get; }

    public IReadOnlyDictionary<string, string> Metadata => file.Metadata;

    public void ReadFloats(StoredTensor tensor, long start, Span<float> destination) => file.ReadFloats(file.Tensors[tensor.Name], start, destination);

    public void Dispose() => file.Dispose();
}
