using BenchmarkDotNet.Attributes;

namespace LoupeGrpc.Benchmarks.Parts;

/// <summary>What is measured for the frames of two kinds of camera.</summary>
public abstract class FrameSizeBenchmarks
{
    [Params(640, 1920)]
    public int Width { get; set; }

    protected int Height => Width == 640 ? 480 : 1080;
}
