using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Providers;

public sealed class ProviderOptionsTests
{
    private static readonly ModelManifest Manifest = TestPackages.Tiny("tiny-s").Manifest;

    [Fact]
    public void TensorRT_gets_a_profile_for_every_input_of_every_graph()
    {
        var options = ProviderOptions.TensorRt(Manifest, [1, 2, 8], 0, "/cache");
        string[] names =
        [
            PackageTensors.PixelValues, PackageTensors.Features, PackageTensors.PseudoLabel, PackageTensors.HiddenStates, PackageTensors.MaskFeatures,
            PackageTensors.PatchProbabilities, .. Manifest.AdaptedTensors.Select(static tensor => tensor.Name),
        ];
        foreach (var (profile, batch) in new[] { ("min", 1), ("opt", 8), ("max", 8) })
        {
            var shapes = options[$"trt_profile_{profile}_shapes"].Split(',').Select(static shape => shape.Split(':')).ToDictionary(static shape => shape[0], static shape => shape[1]);
            Assert.Equal(names.Order(StringComparer.Ordinal), shapes.Keys.Order(StringComparer.Ordinal));
            Assert.Equal($"{batch}x3x{Manifest.ImageSize}x{Manifest.ImageSize}", shapes[PackageTensors.PixelValues]);
            Assert.Equal($"{batch}", shapes[PackageTensors.PseudoLabel]);
            Assert.Equal($"{batch}x{Manifest.Grid * Manifest.Grid}", shapes[PackageTensors.PatchProbabilities]);
            Assert.All(shapes.Values, shape => Assert.StartsWith($"{batch}", shape, StringComparison.Ordinal));
            var first = Manifest.AdaptedTensors[0];
            Assert.Equal($"{batch}x{string.Join('x', first.Shape)}", shapes[first.Name]);
        }
    }

    [Fact]
    public void TensorRT_keeps_engines_and_timings_where_it_is_told()
    {
        var options = ProviderOptions.TensorRt(Manifest, [1], 1 << 30, "/cache/x");
        Assert.Equal(("1", "/cache/x", "1", "/cache/x"), (
            options["trt_engine_cache_enable"], options["trt_engine_cache_path"], options["trt_timing_cache_enable"], options["trt_timing_cache_path"]));
        Assert.Equal("1073741824", options["trt_max_workspace_size"]);
        Assert.DoesNotContain("trt_max_workspace_size", ProviderOptions.TensorRt(Manifest, [1], 0, "/cache/x").Keys);
        // TensorRT 11 has no flags for it: precision is that of the graph's types.
        Assert.DoesNotContain(options.Keys, static name => name.Contains("fp16", StringComparison.Ordinal));
    }

    [Fact]
    public void CUDA_computes_in_full_precision_and_has_a_memory_limit_where_one_is_set()
    {
        Assert.Equal("4096", ProviderOptions.Cuda(4096)["gpu_mem_limit"]);
        Assert.Equal("0", Assert.Single(ProviderOptions.Cuda(0), static option => option.Key == "use_tf32").Value);
        Assert.DoesNotContain("gpu_mem_limit", ProviderOptions.Cuda(0).Keys);
    }
}
