using System.Diagnostics;
using System.Text.Json;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Packages;

/// <summary>Which package of ONNX Runtime a project takes, as MSBuild says without a restore.</summary>
public sealed class OrtPackageTests
{
    private const string Managed = "Microsoft.ML.OnnxRuntime.Managed";

    [Theory]
    [InlineData("", "Microsoft.ML.OnnxRuntime.Gpu.Linux")]
    [InlineData("gpu", "Microsoft.ML.OnnxRuntime.Gpu.Linux")]
    [InlineData("cpu", "Microsoft.ML.OnnxRuntime")]
    public async Task The_host_takes_the_gpu_package_unless_told_otherwise(string choice, string expected)
    {
        var (code, output) = await MsBuildAsync("src/LoupeGrpc.Server", choice, "-getItem:PackageReference");

        Assert.True(code == 0, output);
        Assert.Equal([expected], OrtPackages(output));
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("cpu")]
    public async Task Libraries_see_only_the_managed_half(string choice)
    {
        var (code, output) = await MsBuildAsync("src/LoupeGrpc.Engine", choice, "-getItem:PackageReference");

        Assert.True(code == 0, output);
        Assert.Equal([Managed], OrtPackages(output));
    }

    [Fact]
    public async Task All_are_of_one_version()
    {
        var (code, output) = await MsBuildAsync("src/LoupeGrpc.Server", "cpu", "-getItem:PackageVersion");

        Assert.True(code == 0, output);
        using var json = JsonDocument.Parse(output);
        var versions = json.RootElement.GetProperty("Items").GetProperty("PackageVersion").EnumerateArray()
            .Where(static item => item.GetProperty("Identity").GetString()!.StartsWith("Microsoft.ML.OnnxRuntime", StringComparison.Ordinal))
            .Select(static item => item.GetProperty("Version").GetString())
            .ToList();
        Assert.Equal(4, versions.Count);
        Assert.Single(versions.Distinct());
    }

    [Fact]
    public async Task Another_choice_is_refused()
    {
        var (code, output) = await MsBuildAsync("src/LoupeGrpc.Server", "npu", "-target:CheckLoupeOrt");

        Assert.NotEqual(0, code);
        Assert.Contains("LoupeOrt is 'npu': gpu or cpu is wanted.", output, StringComparison.Ordinal);
    }

    private static List<string?> OrtPackages(string output)
    {
        using var json = JsonDocument.Parse(output);
        return [.. json.RootElement.GetProperty("Items").GetProperty("PackageReference").EnumerateArray()
            .Select(static item => item.GetProperty("Identity").GetString())
            .Where(static name => name!.StartsWith("Microsoft.ML.OnnxRuntime", StringComparison.Ordinal))];
    }

    private static async Task<(int Code, string Output)> MsBuildAsync(string project, string choice, string wanted)
    {
        var start = new ProcessStartInfo("dotnet", ["msbuild", Path.Combine(TestData.RepositoryRoot, project), wanted, "-nologo"]) { RedirectStandardOutput = true };
        // The scripts set it for everything they call.
        start.Environment.Remove("LoupeOrt");
        if (choice.Length > 0)
        {
            start.ArgumentList.Add($"-property:LoupeOrt={choice}");
        }

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(Patience.Token());
        await process.WaitForExitAsync(Patience.Token());
        return (process.ExitCode, output);
    }
}
