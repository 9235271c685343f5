using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>What stops an engine from starting.</summary>
public sealed class EngineStartTests
{
    [Theory]
    [InlineData("fp32/weights.bin")]
    [InlineData("fp32/encoder.onnx")]
    [InlineData("theta.safetensors")]
    [InlineData("selfcheck.safetensors")]
    public async Task One_changed_byte_is_found(string file)
    {
        string directory = TestPackages.Copy(TestPackages.Tiny("tiny-s"));
        string path = Path.Combine(directory, file);
        byte[] bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<ModelLoadException>(() => EngineFixture.StartAsync(package: ModelPackage.Open(directory)));

        Assert.Contains(Path.GetFileName(file), exception.Message, StringComparison.Ordinal);
        Assert.Contains("SHA-256", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PackageTensors.ClsLogit)]
    [InlineData(PackageTensors.PatchLogits)]
    [InlineData(PackageTensors.MaskLogits)]
    [InlineData(PackageTensors.ClassLogits)]
    public async Task A_self_check_that_fails_says_which_output_and_how_far_off(string output)
    {
        var package = await WithSelfCheckAsync(values => values.Name == output ? [.. values.Values.Select(static value => value + 0.25f)] : values.Values);

        var exception = await Assert.ThrowsAsync<SelfCheckException>(() => EngineFixture.StartAsync(package: package));

        Assert.Equal((output, SelfCheck.Fp32Tolerance), (exception.Output, exception.Tolerance));
        Assert.InRange(exception.Distance, 0.05, 0.3);
        Assert.Contains($"{output} is off by 0.", exception.Message, StringComparison.Ordinal);
        Assert.Contains("0.001 is allowed", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_self_check_that_is_not_finite_fails()
    {
        var package = await WithSelfCheckAsync(static values =>
            values.Name == PackageTensors.MaskLogits ? [.. values.Values.Select(static (value, index) => index == 5 ? float.NaN : value)] : values.Values);

        var exception = await Assert.ThrowsAsync<SelfCheckException>(() => EngineFixture.StartAsync(package: package));

        Assert.Equal((PackageTensors.MaskLogits, double.PositiveInfinity), (exception.Output, exception.Distance));
    }

    [Fact]
    public async Task A_self_check_within_rounding_passes()
    {
        var package = await WithSelfCheckAsync(static values =>
            values.Name == PackageTensors.PixelValues ? values.Values : [.. values.Values.Select(static value => value * 1.0005f)]);

        await using var engine = await EngineFixture.StartAsync(package: package);
        Assert.Equal("CPU", engine.Execution.Provider);
        Assert.True(engine.SelfCheck.Passed);
        Assert.InRange(engine.SelfCheck.Distance, 1e-5, SelfCheck.Fp32Tolerance);
    }

    [Fact]
    public async Task A_package_without_a_self_check_tensor_is_refused()
    {
        var package = await WithSelfCheckAsync(static values => values.Name == PackageTensors.ClassLogits ? [] : values.Values);

        var exception = await Assert.ThrowsAsync<ModelLoadException>(() => EngineFixture.StartAsync(package: package));

        Assert.Contains("has no tensor class_logits", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_that_does_not_fit_the_graphs_is_refused()
    {
        var package = await RewriteAsync(TestPackages.Copy(TestPackages.Tiny("tiny-s")), static manifest => manifest with { Queries = manifest.Queries + 1 });

        var exception = await Assert.ThrowsAsync<ModelLoadException>(() => EngineFixture.StartAsync(package: package));

        Assert.Contains("the segmentor's output mask_logits has the shape", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_graph_is_refused()
    {
        string directory = TestPackages.Copy(TestPackages.Tiny("tiny-s"));
        byte[] nonsense = "not a graph"u8.ToArray();
        await File.WriteAllBytesAsync(Path.Combine(directory, "fp32", "encoder.onnx"), nonsense, TestContext.Current.CancellationToken);
        var package = await RewriteAsync(directory, manifest => manifest with
        {
            Precisions = new Dictionary<string, PrecisionFiles>
            {
                [PackageLayout.Fp32] = manifest.Precisions[PackageLayout.Fp32] with
                {
                    Encoder = new PackageFile("fp32/encoder.onnx", FileHash.OfBytes(nonsense), nonsense.Length),
                },
            },
        });

        var exception = await Assert.ThrowsAsync<ModelLoadException>(() => EngineFixture.StartAsync(package: package));

        Assert.Contains("cannot load", exception.Message, StringComparison.Ordinal);
        Assert.Contains("encoder.onnx", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Starting_can_be_cancelled() => await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LoupeEngine.StartAsync(
        TestPackages.Tiny("tiny-s"),
        new EngineOptions(),
        ExecutionTarget.Cpu,
        Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
        TimeProvider.System,
        new CancellationToken(canceled: true)));

    [Fact]
    public void Recording_twice_gives_the_same_bytes()
    {
        var package = TestPackages.Tiny("tiny-s");
        var first = SelfCheckRecorder.Record(package);
        var second = SelfCheckRecorder.Record(package);

        Assert.Equal(
            [PackageTensors.PixelValues, PackageTensors.ClsLogit, PackageTensors.PatchLogits, PackageTensors.MaskLogits, PackageTensors.ClassLogits],
            first.Select(static tensor => tensor.Name));
        for (int i = 0; i < first.Count; i++)
        {
            Assert.Equal(first[i].Values.ToArray(), second[i].Values.ToArray());
            Assert.All(first[i].Values.ToArray(), static value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void Distance_is_relative_to_large_values_and_absolute_for_small_ones()
    {
        Assert.Equal(0.1, SelfCheck.Distance([10, 10], [11, 11]), 1e-12);
        Assert.Equal(0.01, SelfCheck.Distance([0.001f, 0.001f], [0.011f, 0.011f]), 1e-6);
        Assert.Equal(double.PositiveInfinity, SelfCheck.Distance([1, 1], [1, float.NaN]));
        Assert.Equal(double.PositiveInfinity, SelfCheck.Distance([float.PositiveInfinity], [float.PositiveInfinity]));
    }

    private static async Task<ModelPackage> WithSelfCheckAsync(Func<(string Name, float[] Values), float[]> change)
    {
        string directory = TestPackages.Copy(TestPackages.Tiny("tiny-s"));
        string path = Path.Combine(directory, PackageLayout.SelfCheck);
        var tensors = new List<(string, IReadOnlyList<long>, ReadOnlyMemory<float>)>();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var tensor in file.Tensors.Values)
            {
                float[] values = change((tensor.Name, file.ReadFloats(tensor.Name)));
                if (values.Length > 0)
                {
                    tensors.Add((tensor.Name, tensor.Shape, values));
                }
            }
        }

        SafetensorsWriter.Write(path, tensors);
        return await RewriteAsync(directory, manifest => manifest with
        {
            SelfCheck = new PackageFile(PackageLayout.SelfCheck, FileHash.OfFile(path), new FileInfo(path).Length),
        });
    }

    private static async Task<ModelPackage> RewriteAsync(string directory, Func<ModelManifest, ModelManifest> change)
    {
        string path = Path.Combine(directory, PackageLayout.Manifest);
        var manifest = ModelManifest.Parse(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        await File.WriteAllBytesAsync(path, change(manifest).ToBytes(), TestContext.Current.CancellationToken);
        return ModelPackage.Open(directory);
    }
}
