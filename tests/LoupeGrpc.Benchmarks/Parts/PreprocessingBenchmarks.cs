using BenchmarkDotNet.Attributes;
using LoupeGrpc.Native;

namespace LoupeGrpc.Benchmarks.Parts;

/// <summary>A camera's frame to the model's input.</summary>
public class PreprocessingBenchmarks : FrameSizeBenchmarks, IDisposable
{
    private readonly Preprocessor _preprocessor = new(ImageSize);
    private readonly float[] _input = new float[3 * ImageSize * ImageSize];
    private byte[] _plane0 = [];
    private byte[] _plane1 = [];

    /// <summary>The embedded model's.</summary>
    private const int ImageSize = 224;

    [Params(PixelFormat.Bgr24, PixelFormat.Nv12)]
    public PixelFormat Format { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(1);
        _plane0 = new byte[(Format == PixelFormat.Bgr24 ? 3 : 1) * Width * Height];
        _plane1 = new byte[Format == PixelFormat.Nv12 ? Width * Height / 2 : 0];
        random.NextBytes(_plane0);
        random.NextBytes(_plane1);
    }

    [Benchmark]
    public void ToNchw()
    {
        int stride = _plane0.Length / Height;
        _preprocessor.ToNchw(new PixelSource(Format, Width, Height, _plane0, stride) { Plane1 = _plane1, Stride1 = Width }, _input);
    }

    public void Dispose()
    {
        _preprocessor.Dispose();
        GC.SuppressFinalize(this);
    }
}
