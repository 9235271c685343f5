using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Packaging;

public sealed class ModelPackageTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("loupe-package-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Opens_a_package_and_names_it_by_the_hash_of_its_manifest()
    {
        PackageSamples.Write(_directory);

        var package = ModelPackage.Open(_directory, PackageCheck.Hashes);

        Assert.Equal(FileHash.OfFile(Path.Combine(_directory, "model.json")), package.Hash);
        Assert.Equal(package.Hash[..8], package.ShortHash);
        Assert.True(File.Exists(package.PathOf(package.FilesOf("fp32").Encoder)));
        var exception = Assert.Throws<PackageException>(() => package.FilesOf("fp16"));
        Assert.Contains("does not have the precision fp16, only fp32", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_what_is_wrong_with_a_directory_that_is_no_package()
    {
        string absent = Path.Combine(_directory, "absent");
        Assert.Contains("there is no such directory", Refusal(absent, PackageCheck.Sizes), StringComparison.Ordinal);
        Assert.Contains("it holds no model.json", Refusal(_directory, PackageCheck.Sizes), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_a_file_that_is_missing_or_of_another_length()
    {
        PackageSamples.Write(_directory);
        string weights = Path.Combine(_directory, "fp32", "weights.bin");
        File.AppendAllText(weights, "x");
        Assert.Contains("weights.bin has 17 bytes, but model.json says 16", Refusal(_directory, PackageCheck.Sizes), StringComparison.Ordinal);

        File.Delete(weights);
        Assert.Contains("weights.bin is missing", Refusal(_directory, PackageCheck.Sizes), StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_changed_bytes_only_when_hashes_are_checked()
    {
        PackageSamples.Write(_directory);
        string encoder = Path.Combine(_directory, "fp32", "encoder.onnx");
        byte[] bytes = File.ReadAllBytes(encoder);
        bytes[0] ^= 1;
        File.WriteAllBytes(encoder, bytes);

        Assert.NotNull(ModelPackage.Open(_directory));
        Assert.Contains("encoder.onnx does not have the SHA-256", Refusal(_directory, PackageCheck.Hashes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../theta.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("fp32/../../x")]
    [InlineData("")]
    public void Refuses_paths_that_leave_the_package(string path)
    {
        var manifest = PackageSamples.Write(_directory) with { Theta = new PackageFile(path, "", 1) };
        File.WriteAllBytes(Path.Combine(_directory, "model.json"), manifest.ToBytes());

        Assert.Contains("not a plain path inside the package", Refusal(_directory, PackageCheck.Sizes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_without_a_self_check_is_not_finished()
    {
        var manifest = PackageSamples.Write(_directory) with { SelfCheck = null };
        File.WriteAllBytes(Path.Combine(_directory, "model.json"), manifest.ToBytes());

        Assert.Null(ModelPackage.OpenStaged(_directory).Manifest.SelfCheck);
        Assert.Contains("has no self-check", Refusal(_directory, PackageCheck.Sizes), StringComparison.Ordinal);
    }

    private static string Refusal(string directory, PackageCheck check) =>
        Assert.Throws<PackageException>(() => ModelPackage.Open(directory, check)).Message;
}
