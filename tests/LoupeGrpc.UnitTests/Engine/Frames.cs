using LoupeGrpc.Engine;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Frames and what comes of them.</summary>
internal static class Frames
{
    public static readonly AnalysisRequest WithMask = new() { MaskPolicy = MaskPolicy.Always };

    public static EncodedInput File(string path) => new(System.IO.File.ReadAllBytes(path));

    public static EncodedInput Sample(string name) => File(TestData.Sample(name));

    /// <summary>A picture of noise in BGR.</summary>
    public static RawInput Noise(int width, int height, int seed = 1)
    {
        byte[] pixels = new byte[width * height * 3];
        new Random(seed).NextBytes(pixels);
        return Bgr(pixels, width, height);
    }

    public static RawInput Bgr(ReadOnlyMemory<byte> pixels, int width, int height) =>
        new(pixels, new RawLayout(PixelFormat.Bgr24, width, height, [], YuvMatrix.Bt601, YuvRange.Limited));

    public static async Task<FrameAnalysis> AnalyzedAsync(this LoupeEngine engine, FrameInput input, AnalysisRequest? request = null)
    {
        var outcome = await engine.AnalyzeAsync(input, request ?? WithMask, TestContext.Current.CancellationToken);
        Assert.True(outcome.Succeeded, outcome.Failure?.Message);
        return outcome.Analysis;
    }

    public static async Task<FrameFailure> FailedAsync(this LoupeEngine engine, FrameInput input, AnalysisRequest? request = null)
    {
        var outcome = await engine.AnalyzeAsync(input, request ?? WithMask, TestContext.Current.CancellationToken);
        Assert.False(outcome.Succeeded, "the frame was analysed");
        return outcome.Failure;
    }
}
