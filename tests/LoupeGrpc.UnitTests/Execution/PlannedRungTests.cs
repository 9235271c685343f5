using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Execution;

public sealed class PlannedRungTests
{
    private static readonly ModelPackage Package = TestPackages.Tiny("tiny-s");

    [Fact]
    public void By_default_TensorRT_comes_first_then_CUDA_then_the_CPU()
    {
        var plan = PlannedRung.Plan(new ExecutionOptions(), Package);
        Assert.Equal([ProviderKind.TensorRt, ProviderKind.Cuda, ProviderKind.Cpu], plan.Select(static rung => rung.Kind));
        Assert.Equal([true, false, false], plan.Select(static rung => rung.BuildsEngines));
        Assert.Equal([PackageLayout.Fp16, PackageLayout.Fp16, PackageLayout.Fp32], plan.Select(static rung => rung.Precision));
        Assert.Equal([1, 2, 4, 8], plan[0].Buckets);
        Assert.Equal([1], plan[2].Buckets);
    }

    [Fact]
    public void Required_is_the_first_and_nothing_else() =>
        Assert.Equal("TensorRT", Assert.Single(PlannedRung.Plan(new ExecutionOptions { Require = true }, Package)).Provider);

    [Theory]
    [InlineData(PackageLayout.Fp32)]
    [InlineData(PackageLayout.Fp16)]
    public void A_package_of_one_precision_runs_in_it_everywhere(string precision) => Assert.All(
        PlannedRung.Plan(new ExecutionOptions(), TestPackages.Tiny("tiny-s", precision)), rung => Assert.Equal(precision, rung.Precision));

    [Theory]
    [InlineData(ProviderSettings.AnyPrecision, true, PackageLayout.Int8)]
    [InlineData(ProviderSettings.AnyPrecision, false, PackageLayout.Fp32)]
    [InlineData(PackageLayout.Fp32, true, PackageLayout.Fp32)]
    [InlineData(PackageLayout.Int8, false, PackageLayout.Int8)]
    public void The_CPU_runs_8_bits_where_it_is_fast_at_them_or_told_to_and_devices_never_do(string setting, bool isFast, string precision)
    {
        var options = new ExecutionOptions { Cpu = new ProviderSettings { Precision = setting } };
        Assert.Equal([PackageLayout.Fp32, PackageLayout.Fp32, precision], PlannedRung.Plan(options, TestPackages.NanoInt8, isFast).Select(static rung => rung.Precision));
        if (precision != PackageLayout.Int8)
        {
            Assert.Equal(PackageLayout.Fp32, PlannedRung.Plan(options, TestPackages.Tiny("tiny-s", PackageLayout.Fp32), isFast)[2].Precision);
        }
    }

    [Fact]
    public void Which_processor_is_fast_at_8_bits_is_what_its_features_say()
    {
        string[] features = [.. File.ReadLines("/proc/cpuinfo").First(static line => line.StartsWith("flags", StringComparison.Ordinal) || line.StartsWith("Features", StringComparison.Ordinal)).Split(' ')];
        Assert.Equal(features.Contains("avx512_vnni") || features.Contains("avx_vnni"), Int8Processor.IsFast);
        Assert.Contains(Int8Processor.IsFast ? "makes int8 the faster one" : "int8", Int8Processor.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExecutionOptions.CudaName, "CUDA")]
    [InlineData("Mine", "Plugins:1")]
    public void A_precision_that_the_package_does_not_have_is_a_mistake_that_names_setting_and_package(string provider, string entry)
    {
        var package = TestPackages.Tiny("tiny-s", PackageLayout.Fp32);
        var options = new ExecutionOptions
        {
            Providers = [provider],
            Cuda = new ProviderSettings { Precision = PackageLayout.Fp16 },
            Plugins =
            [
                new PluginSettings { Name = "Other", Path = "/opt/other.so" },
                new PluginSettings { Name = "Mine", Path = "/opt/mine.so", Precision = PackageLayout.Fp16 },
            ],
        };
        var exception = Assert.Throws<PackageException>(() => PlannedRung.Plan(options, package));
        Assert.Contains($"Loupe:Execution:{entry}:Precision", exception.Message, StringComparison.Ordinal);
        Assert.Contains(package.Directory, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_users_options_win_over_the_servers()
    {
        var plugin = new PluginSettings
        {
            Name = "Mine",
            Path = "/opt/mine.so",
            EngineCacheOption = "cache",
            Options = new Dictionary<string, string> { ["level"] = "3" },
        };
        var rung = PlannedRung.Plan(new ExecutionOptions { Providers = ["Mine"], Plugins = [plugin] }, Package)[0];
        Assert.Equal((ProviderKind.Plugin, "/opt/mine.so", true), (rung.Kind, rung.Library, rung.BuildsEngines));
        Assert.Equal([("cache", "/engines"), ("level", "3")], rung.Options(Package.Manifest, "/engines").Select(static option => (option.Key, option.Value)));

        var tensorRt = new ExecutionOptions { TensorRt = new ProviderSettings { Options = new Dictionary<string, string> { ["trt_builder_optimization_level"] = "5" } } };
        Assert.Equal("5", PlannedRung.Plan(tensorRt, Package)[0].Options(Package.Manifest, "/engines")["trt_builder_optimization_level"]);
    }

    [Fact]
    public void A_target_names_its_device_and_what_it_is_told()
    {
        var target = PlannedRung.Plan(new ExecutionOptions { Cuda = new ProviderSettings { MemoryLimit = 7 } }, Package)[1].Target(Package.Manifest, 3, "H100", string.Empty);
        Assert.Equal(("CUDA", 3, "H100", "7"), (target.Provider, target.DeviceIndex, target.Device, target.Options["gpu_mem_limit"]));
        Assert.True(target.IsDevice);
    }
}
