using System.Collections.Concurrent;
using LoupeGrpc.Engine;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.TestSupport;

/// <summary>
/// Packages of the reference models, each converted when first asked for and kept until the process ends. Do not change them: <see cref="Copy"/> is for that.
/// Thread-safe.
/// </summary>
public static class TestPackages
{
    private static readonly Lazy<string> _directory = new(CreateDirectory);
    private static readonly ConcurrentDictionary<string, Lazy<ModelPackage>> _packages = new(StringComparer.Ordinal);

    /// <summary>The embedded model.</summary>
    public static ModelPackage Nano => Get("nano", TestData.NanoModel("config.json"), TestData.NanoModel("model.safetensors"), []);

    /// <summary>The embedded model in single precision and in 8 bits, as they were measured on the samples.</summary>
    public static ModelPackage NanoInt8 => _packages.GetOrAdd(
        "nano-int8",
        key => new Lazy<ModelPackage>(() => ConvertInt8(
            key, TestData.NanoModel("config.json"), TestData.NanoModel("model.safetensors"), Path.Combine(_directory.Value, key), QuantizationBound.Default))).Value;

    /// <summary>The samples without their masks.</summary>
    public static IReadOnlyList<string> SamplePictures =>
        [.. Directory.EnumerateFiles(TestData.Sample(string.Empty)).Where(static file => Path.GetExtension(file) is ".png" or ".jpg" && !file.EndsWith(".mask.png", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <param name="name"><c>tiny-l</c>, <c>tiny-g</c> or <c>tiny-s</c>.</param>
    /// <param name="precisions">None: all that need no pictures.</param>
    public static ModelPackage Tiny(string name, params string[] precisions) =>
        Get(name, TestData.Golden("tiny", name, "config.json"), TestData.Golden("tiny", name, "model.safetensors"), precisions);

    /// <summary>Writes a package with its self-check.</summary>
    /// <param name="precisions">None: all that need no pictures.</param>
    public static ModelPackage Convert(string name, string config, IReadOnlyList<string> weights, string output, params string[] precisions)
    {
        using var checkpoint = Checkpoint.Open(weights);
        var options = new PackageOptions(name, "1", Demonstration: true, "LoupeGrpc tests")
        {
            Precisions = precisions.Length > 0 ? precisions : [PackageLayout.Fp32, PackageLayout.Fp16],
            Tiles = new TileSettings(Bias: 0),
        };
        using var build = PackageBuild.Start(LoupeConfigReader.Read(config), checkpoint, output, options);
        build.AddSelfCheck(SelfCheckRecorder.Record(build.Staged));
        return build.Complete();
    }

    /// <summary>Writes a package in single precision and in 8 bits, which are measured on the samples.</summary>
    /// <exception cref="ModelLoadException">It does not keep to the bound.</exception>
    public static ModelPackage ConvertInt8(string name, string config, string weights, string output, QuantizationBound bound)
    {
        using var checkpoint = Checkpoint.Open([weights]);
        var options = new PackageOptions(name, "1", Demonstration: true, "LoupeGrpc tests")
        {
            Precisions = [PackageLayout.Fp32, PackageLayout.Int8],
            Tiles = new TileSettings(Bias: 0),
        };
        using var build = PackageBuild.Start(LoupeConfigReader.Read(config), checkpoint, output, options);
        build.AddSelfCheck(SelfCheckRecorder.Record(build.Staged));
        var pictures = QuantizationPictures.Read(build.Staged.Manifest, SamplePictures, CancellationToken.None);
        build.AddQuantized(QuantizationTrials.Choose(build.Staged, build.Trial!, pictures, bound, null, CancellationToken.None), CancellationToken.None);
        var settings = QuantizationTrials.Verify(build.Staged, pictures, bound, CancellationToken.None);
        build.AddQuantizedSelfCheck(settings, SelfCheckRecorder.Record(build.Staged, PackageLayout.Int8));
        return build.Complete();
    }

    /// <summary>A copy to be damaged, in a new directory that goes away with the process.</summary>
    /// <returns>The copy's directory.</returns>
    public static string Copy(ModelPackage package)
    {
        string target = Path.Combine(_directory.Value, "copy-" + Guid.NewGuid().ToString("N"));
        foreach (string file in Directory.EnumerateFiles(package.Directory, "*", SearchOption.AllDirectories))
        {
            string path = Path.Combine(target, Path.GetRelativePath(package.Directory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path);
        }

        return target;
    }

    private static ModelPackage Get(string name, string config, string weights, string[] precisions) => _packages.GetOrAdd(
        string.Join('-', [name, .. precisions]),
        key => new Lazy<ModelPackage>(() => Convert(name, config, [weights], Path.Combine(_directory.Value, key), precisions))).Value;

    private static string CreateDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("loupe-packages-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        return directory;
    }
}
