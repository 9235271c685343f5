using BenchmarkDotNet.Attributes;
using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Benchmarks.Parts;

/// <summary>The segmentor's answer to a mask, and the mask to COCO's counts and back.</summary>
public class MaskBenchmarks : FrameSizeBenchmarks, IDisposable
{
    private const int Queries = 20;
    private const int Grid = 56;

    private readonly MaskDecoder _decoder = new();
    private readonly float[] _maskLogits = new float[Queries * Grid * Grid];
    private readonly float[] _classLogits = new float[Queries * 2];
    private byte[] _mask = [];
    private float[] _soft = [];
    private byte[] _counts = [];

    /// <summary>Each query marks a disc of its own.</summary>
    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(1);
        for (int query = 0; query < Queries; query++)
        {
            (double x, double y, double radius) = (random.NextDouble() * Grid, random.NextDouble() * Grid, 2 + (random.NextDouble() * 8));
            for (int i = 0; i < Grid * Grid; i++)
            {
                _maskLogits[(query * Grid * Grid) + i] = (float)(radius - Math.Sqrt(Math.Pow((i % Grid) - x, 2) + Math.Pow((i / Grid) - y, 2)));
            }

            _classLogits[2 * query] = (float)(random.NextDouble() * 4) - 2;
        }

        _mask = new byte[Width * Height];
        _soft = new float[Width * Height];
        Array.Fill(_soft, 0.5f);
        Decode();
        _counts = System.Text.Encoding.ASCII.GetBytes(RunLength.Encode(_mask, Width, Height, Width));
    }

    [Benchmark]
    public long Decode() => _decoder.Decode(_maskLogits, _classLogits, Queries, Grid, Grid, Width, Height, 0.5f, _mask);

    [Benchmark]
    public int EncodeRunLengths()
    {
        Span<byte> counts = stackalloc byte[1 << 15];
        return RunLength.TryEncode(_mask, Width, Height, Width, counts, out int written) ? written : throw new InvalidOperationException("The counts do not fit.");
    }

    [Benchmark]
    public void DecodeRunLengths() => RunLength.Decode(_counts, Height, Width, _mask);

    [Benchmark]
    public double Iou() => RunLength.Iou(_counts, _counts, Height, Width);

    /// <summary>Areas, boxes and means of the parts of the mask.</summary>
    [Benchmark]
    public int FindRegions() => RegionFinder.Find(_mask, _soft, Width).Count;

    /// <summary>What finding regions would take with a label for each pixel, before the first mean is known.</summary>
    [Benchmark]
    public int LabelWithOpenCv()
    {
        using var mask = Mat.FromPixelData(Height, Width, MatType.CV_8UC1, _mask);
        using var labels = new Mat();
        using var stats = new Mat();
        using var centroids = new Mat();
        return Cv2.ConnectedComponentsWithStats(mask, labels, stats, centroids, PixelConnectivity.Connectivity8, MatType.CV_32S);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        GC.SuppressFinalize(this);
    }
}
