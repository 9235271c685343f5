using LoupeGrpc.Packaging;

namespace LoupeGrpc.UnitTests.Packaging;

/// <summary>A small valid manifest, and a directory with files that match it.</summary>
internal static class PackageSamples
{
    public static ModelManifest Manifest(Func<string, PackageFile>? file = null)
    {
        file ??= static path => new PackageFile(path, new string('0', 64), 1);
        return new ModelManifest
        {
            FormatVersion = PackageLayout.FormatVersion,
            Name = "sample",
            Version = "1.0",
            Demonstration = true,
            Producer = "tests",
            ImageSize = 112,
            PatchSize = 16,
            Grid = 7,
            Mean = [0.5f, 0.5f, 0.5f],
            Std = [0.5f, 0.5f, 0.5f],
            ClassToken = true,
            Width = 64,
            Queries = 4,
            Hidden = 32,
            MaskFeatures = 64,
            DecoderPredictions = 4,
            MaskGrid = 28,
            MaskDecode = new MaskDecodeSettings(384, 0.5f),
            Loss = new LossSettings(5, 2, 5, 0.1, 0.8, 1, 0.3),
            AdaptedTensors = [.. PackageTensors.Adapted.Zip(
                new int[][] { [32], [32], [32, 32], [32], [32, 32], [32], [64, 32], [64], [2, 32], [2] },
                static (name, shape) => new AdaptedTensor(name, shape))],
            Precisions = new Dictionary<string, PrecisionFiles>
            {
                [PackageLayout.Fp32] = new(file("fp32/encoder.onnx"), file("fp32/segmentor.onnx"), file("fp32/adapt.onnx"), file("fp32/weights.bin")),
            },
            Theta = file(PackageLayout.Theta),
            SelfCheck = file(PackageLayout.SelfCheck),
        };
    }

    /// <summary>Of a manifest with <see cref="PackageLayout.CalibratedFormatVersion"/>.</summary>
    public static CalibrationSettings Calibration() => new()
    {
        Temperature = 1.5,
        Bias = -0.25,
        Thresholds = new CalibratedThresholds(0.3f, 0.7f),
        FalseAlarms = 0.05,
        Confidence = 0.95,
        Whole = new CalibrationEvidence(100, 50)
        {
            FalseAlarms = new ObservedRate(2, 100, 0.01, 0.07),
            Misses = new ObservedRate(1, 50, 0.001, 0.1),
            Before = new ScoreErrors(0.5, 0.2),
            After = new ScoreErrors(0.4, 0.1),
        },
        Pictures = new string('1', 64),
        MadeAt = new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero),
        Producer = "tests",
        Execution = new CalibrationExecution("CPU", "fp32"),
        Parent = new CalibrationParent("sample", "1.0", new string('2', 64)),
    };

    /// <summary>Writes a package of placeholder files and its manifest.</summary>
    public static ModelManifest Write(string directory)
    {
        var manifest = Manifest(path =>
        {
            string full = Path.Combine(directory, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, path);
            return new PackageFile(path, FileHash.OfFile(full), new FileInfo(full).Length);
        });
        File.WriteAllBytes(Path.Combine(directory, PackageLayout.Manifest), manifest.ToBytes());
        return manifest;
    }
}
