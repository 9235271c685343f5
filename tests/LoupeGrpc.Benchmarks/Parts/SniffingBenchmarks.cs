using BenchmarkDotNet.Attributes;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Benchmarks.Parts;

/// <summary>What a file is and how large, before a pixel is decoded.</summary>
public class SniffingBenchmarks
{
    private byte[] _file = [];

    [Params("rgb-1920x1080.jpg", "lossy-320x240.webp", "rgb-320x240.bmp", "rgb-320x240.tiff")]
    public string File { get; set; } = string.Empty;

    [GlobalSetup]
    public void Read() => _file = System.IO.File.ReadAllBytes(TestData.Golden("preprocess", File));

    [Benchmark]
    public bool Sniff() => ImageSniffer.Sniff(_file).Failure is null;
}
