using LoupeGrpc.TestSupport;
using OpenCvSharp;

namespace LoupeGrpc.Benchmarks.Comparison;

/// <summary>JPEGs of 1920 x 1080, the same on every machine: the samples, enlarged, with a sensor's noise.</summary>
internal static class Pictures
{
    private const double Noise = 5;
    private const int Quality = 90;

    private static readonly Size Hd = new(1920, 1080);

    public static IReadOnlyList<byte[]> Create()
    {
        Cv2.SetTheRNG(1);
        return [.. Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, "samples"))
            .Where(static file => Path.GetExtension(file) is ".png" or ".jpg" && !file.EndsWith(".mask.png", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(Create)];
    }

    private static byte[] Create(string file)
    {
        using var sample = Cv2.ImRead(file);
        using var large = sample.Resize(Hd, interpolation: InterpolationFlags.Cubic);
        using var noise = new Mat(Hd, MatType.CV_16SC3);
        Cv2.Randn(noise, Scalar.All(0), Scalar.All(Noise));
        using var noisy = new Mat();
        Cv2.Add(large, noise, noisy, dtype: (int)MatType.CV_8UC3);
        return noisy.ToBytes(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, Quality));
    }
}
