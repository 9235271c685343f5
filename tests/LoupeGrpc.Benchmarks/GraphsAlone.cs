using System.Diagnostics;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Benchmarks;

/// <summary>
/// Encoder and segmentor one after the other by ONNX Runtime with the engine's session options, features left on the device: what the engine is
/// measured against. No decoding, no masks, nothing from the engine but the options.
/// </summary>
internal sealed class GraphsAlone : IDisposable
{
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(2);

    private readonly int _batch;
    private readonly OrtMemoryInfo _device;
    private readonly RunOptions _runOptions = new();
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _segmentor;
    private readonly OrtValue _pixels;
    private readonly Dictionary<string, OrtValue> _inputs = [];

    public GraphsAlone(ModelPackage package, ExecutionTarget target, int batch)
    {
        _batch = batch;
        _device = target.Kind is ProviderKind.Cuda or ProviderKind.TensorRt
            ? new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, target.DeviceIndex, OrtMemType.Default)
            : OrtMemoryInfo.DefaultInstance;
        var files = package.FilesOf(target.Precision);
        using var options = ProviderSessions.Create(target, Environment.ProcessorCount);
        _encoder = new InferenceSession(package.PathOf(files.Encoder), options);
        _segmentor = new InferenceSession(package.PathOf(files.Segmentor), options);
        var shapes = new TensorShapes(package.Manifest, batch);
        _pixels = Tensor(shapes.PixelValues, [0.1f]);
        _inputs.Add(PackageTensors.PseudoLabel, Tensor(shapes.PseudoLabel, [0.9f]));
        var parameters = AdaptedParameters.LoadBase(package).Values;
        foreach (var tensor in package.Manifest.AdaptedTensors)
        {
            int length = AdaptedParameters.LengthOf(tensor);
            _inputs.Add(tensor.Name, Tensor(shapes.Adapted(tensor), parameters[..length]));
            parameters = parameters[length..];
        }

        RunOnce();
    }

    /// <summary>Two seconds.</summary>
    /// <returns>Frames a second.</returns>
    public double Run()
    {
        var clock = Stopwatch.StartNew();
        int runs = 0;
        for (; clock.Elapsed < Duration; runs++)
        {
            RunOnce();
        }

        return runs * _batch / clock.Elapsed.TotalSeconds;
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _segmentor.Dispose();
        _pixels.Dispose();
        _runOptions.Dispose();
        foreach (var value in _inputs.Values)
        {
            value.Dispose();
        }
    }

    private void RunOnce()
    {
        using var encode = _encoder.CreateIoBinding();
        encode.BindInput(PackageTensors.PixelValues, _pixels);
        encode.BindOutputToDevice(PackageTensors.Features, _device);
        encode.BindOutputToDevice(PackageTensors.ClsLogit, OrtMemoryInfo.DefaultInstance);
        encode.BindOutputToDevice(PackageTensors.PatchLogits, OrtMemoryInfo.DefaultInstance);
        _encoder.RunWithBinding(_runOptions, encode);
        using var encoded = encode.GetOutputValues();

        using var segment = _segmentor.CreateIoBinding();
        segment.BindInput(PackageTensors.Features, encoded[0]);
        foreach (var (name, value) in _inputs)
        {
            segment.BindInput(name, value);
        }

        segment.BindOutputToDevice(PackageTensors.MaskLogits, OrtMemoryInfo.DefaultInstance);
        segment.BindOutputToDevice(PackageTensors.ClassLogits, OrtMemoryInfo.DefaultInstance);
        _segmentor.RunWithBinding(_runOptions, segment);
        using var segmented = segment.GetOutputValues();
    }

    /// <param name="pattern">Repeated until the tensor is full.</param>
    private static OrtValue Tensor(long[] shape, ReadOnlySpan<float> pattern)
    {
        float[] values = new float[shape.Aggregate(1L, static (product, side) => product * side)];
        for (int i = 0; i < values.Length; i += pattern.Length)
        {
            pattern.CopyTo(values.AsSpan(i));
        }

        return OrtValue.CreateTensorValueFromMemory(values, shape);
    }
}
