using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

public sealed class PackageBuildTests : IDisposable
{
    private static readonly PackageOptions Options = new("tiny", "1.0", Demonstration: true, "tests 1.0");
    private static readonly (string, IReadOnlyList<long>, ReadOnlyMemory<float>)[] SelfCheck = [(PackageTensors.ClsLogit, [1, 1], new float[] { 0.25f })];

    private readonly string _parent = Directory.CreateTempSubdirectory("loupe-convert-").FullName;

    private string Output => Path.Combine(_parent, "package");

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void A_completed_package_is_whole_and_holds_what_the_manifest_says()
    {
        var package = Convert(Output);

        Assert.Equal(PackageLayout.FormatVersion, package.Manifest.FormatVersion);
        Assert.Equal(package.Hash, ModelPackage.Open(Output, PackageCheck.Hashes).Hash);
        Assert.Equal((112, 16, 7, 28), (package.Manifest.ImageSize, package.Manifest.PatchSize, package.Manifest.Grid, package.Manifest.MaskGrid));
        Assert.Equal((4, 32, 64, 4), (package.Manifest.Queries, package.Manifest.Hidden, package.Manifest.MaskFeatures, package.Manifest.DecoderPredictions));
        using var theta = SafetensorsFile.Open(package.PathOf(package.Manifest.Theta));
        using var weights = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "model.safetensors"));
        Assert.Equal(PackageTensors.Adapted.Order(), theta.Tensors.Keys.Order());
        Assert.Equal(weights.ReadFloats("loupe.segmentor.class_predictor.weight"), theta.ReadFloats("class_predictor.weight"));
        using var selfCheck = SafetensorsFile.Open(package.PathOf(package.Manifest.SelfCheck!));
        Assert.Equal([0.25f], selfCheck.ReadFloats(PackageTensors.ClsLogit));
        Assert.Equal(["package"], Directory.EnumerateFileSystemEntries(_parent).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(PackageLayout.Fp32)]
    [InlineData(PackageLayout.Fp16)]
    [InlineData(PackageLayout.Fp16, PackageLayout.Fp32)]
    public void A_package_has_the_precisions_asked_for_and_no_others(params string[] precisions)
    {
        var package = Convert(Output, Options with { Precisions = precisions });

        Assert.Equal(PackageLayout.Precisions.Intersect(precisions), package.Manifest.Precisions.Keys);
        Assert.Equal(precisions.Order(), Directory.EnumerateDirectories(Output).Select(Path.GetFileName).Order());
        Assert.Equal(package.Hash, ModelPackage.Open(Output, PackageCheck.Hashes).Hash);
        if (package.Manifest.Precisions.TryGetValue(PackageLayout.Fp16, out var half))
        {
            Assert.Equal([PackageTensors.Features, PackageTensors.MaskFeatures], half.HalfTensors);
        }
    }

    [Fact]
    public void While_it_is_written_a_package_has_single_precision_to_record_the_self_check_with()
    {
        using var weights = TestModel.TinyWeights("tiny-s");
        using var build = PackageBuild.Start(
            TestModel.TinyConfig("tiny-s"), weights, Output, Options with { Precisions = [PackageLayout.Fp16] }, cancellationToken: TestContext.Current.CancellationToken);
        var files = build.Staged.Manifest.Precisions;

        Assert.Equal([PackageLayout.Fp32, PackageLayout.Fp16], files.Keys);
        Assert.InRange(files[PackageLayout.Fp16].Weights.Bytes, files[PackageLayout.Fp32].Weights.Bytes / 2, files[PackageLayout.Fp32].Weights.Bytes * 2 / 3);
    }

    [Fact]
    public void The_same_checkpoint_gives_the_same_bytes()
    {
        string other = Path.Combine(_parent, "other");
        Assert.Equal(Convert(Output).Hash, Convert(other).Hash);
        foreach (string file in Directory.EnumerateFiles(Output, "*", SearchOption.AllDirectories))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(other, Path.GetRelativePath(Output, file))));
        }
    }

    [Fact]
    public void Nothing_is_left_when_a_build_is_not_completed()
    {
        using (var weights = TestModel.TinyWeights("tiny-s"))
        using (var build = PackageBuild.Start(TestModel.TinyConfig("tiny-s"), weights, Output, Options, cancellationToken: TestContext.Current.CancellationToken))
        {
            Assert.Null(build.Staged.Manifest.SelfCheck);
            Assert.False(Directory.Exists(Output));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent));
    }

    [Fact]
    public void Nothing_is_left_when_a_build_is_cancelled_while_weights_are_written()
    {
        using var cancellation = new CancellationTokenSource();
        using var weights = TestModel.TinyWeights("tiny-s");
        void CancelInTheMiddle(PackageProgress progress)
        {
            if (progress.Phase == PackagePhase.Weights && progress.BytesWritten > progress.BytesTotal / 2)
            {
                cancellation.Cancel();
            }
        }

        Assert.Throws<OperationCanceledException>(() =>
            PackageBuild.Start(TestModel.TinyConfig("tiny-s"), weights, Output, Options, CancelInTheMiddle, cancellation.Token));

        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent));
    }

    [Fact]
    public void Replaces_a_package_only_when_asked()
    {
        string first = Convert(Output).Hash;

        var exception = Assert.Throws<PackageException>(() => Convert(Output));
        Assert.Contains("--overwrite", exception.Message, StringComparison.Ordinal);
        Assert.Equal(first, ModelPackage.Open(Output).Hash);

        var second = Convert(Output, Options with { Version = "2.0", Overwrite = true });
        Assert.Equal("2.0", second.Manifest.Version);
        Assert.Equal(["package"], Directory.EnumerateFileSystemEntries(_parent).Select(Path.GetFileName));
    }

    [Fact]
    public void Never_replaces_what_is_no_package()
    {
        Directory.CreateDirectory(Output);
        File.WriteAllText(Path.Combine(Output, "thesis.txt"), "years of work");

        var exception = Assert.Throws<PackageException>(() => Convert(Output, Options with { Overwrite = true }));
        Assert.Contains("holds files that are not a model package. They were left alone", exception.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Output, "thesis.txt")));
    }

    [Fact]
    public void An_empty_directory_is_a_place_for_a_package()
    {
        Directory.CreateDirectory(Output);
        Assert.Equal("tiny", Convert(Output).Manifest.Name);
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_named()
    {
        File.WriteAllText(Path.Combine(_parent, "file"), "");
        var exception = Assert.Throws<PackageException>(() => Convert(Path.Combine(_parent, "file", "package")));
        Assert.Contains(Path.Combine(_parent, "file", "package"), exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("refuse-missing-tensor.safetensors", "is missing")]
    [InlineData("refuse-wrong-shape.safetensors", "the configuration needs [")]
    public void Refuses_weights_that_do_not_fit_and_writes_nothing(string file, string reason)
    {
        using var weights = Checkpoint.Open([TestData.Golden("checkpoints", file)]);

        var exception = Assert.Throws<CheckpointException>(() =>
            PackageBuild.Start(TestModel.TinyConfig("tiny-s"), weights, Output, Options, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Contains(file, exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent));
    }

    private static ModelPackage Convert(string output, PackageOptions? options = null)
    {
        using var weights = TestModel.TinyWeights("tiny-s");
        using var build = PackageBuild.Start(TestModel.TinyConfig("tiny-s"), weights, output, options ?? Options, cancellationToken: TestContext.Current.CancellationToken);
        build.AddSelfCheck(SelfCheck);
        return build.Complete();
    }
}
