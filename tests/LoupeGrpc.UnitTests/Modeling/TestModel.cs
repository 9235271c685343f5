using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>The models of the reference data.</summary>
internal static class TestModel
{
    public static LoupeConfig TinyConfig(string name) => LoupeConfigReader.Read(TestData.Golden("tiny", name, "config.json"));

    public static SafetensorsSource TinyWeights(string name) => new(TestData.Golden("tiny", name, "model.safetensors"));
}

internal sealed class SafetensorsSource(string path) : ITensorSource, IDisposable
{
    private readonly SafetensorsFile _file = SafetensorsFile.Open(path);

    public IEnumerable<TensorInfo> Tensors => _file.Tensors.Values.Select(t => new TensorInfo(t.Name.Replace("loupe.", "", StringComparison.Ordinal), t.ElementType, t.Shape, path));

    public void Dispose() => _file.Dispose();

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _file.Tensors.TryGetValue("loupe." + name, out var t) ? new TensorInfo(name, t.ElementType, t.Shape, path) : null;
        return tensor is not null;
    }

    public void ReadFloats(TensorInfo tensor, long start, Span<float> destination) => _file.ReadFloats(_file.Tensors["loupe." + tensor.Name], start, destination);
}
