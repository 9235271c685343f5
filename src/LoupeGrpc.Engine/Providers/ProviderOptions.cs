using System.Globalization;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Providers;

/// <summary>The options of ONNX Runtime's own GPU providers, as it takes them: names and values are text.</summary>
public static class ProviderOptions
{
    /// <summary>CUDA: products in single precision are that (TF32 would round them to ten bits), and memory up to a limit.</summary>
    /// <param name="memoryLimit">Bytes for one graph; 0: no limit.</param>
    public static IReadOnlyDictionary<string, string> Cuda(long memoryLimit)
    {
        var options = new Dictionary<string, string> { ["use_tf32"] = "0" };
        if (memoryLimit > 0)
        {
            options["gpu_mem_limit"] = Text(memoryLimit);
        }

        return options;
    }

    /// <summary>
    /// TensorRT: one explicit profile over every input of the three graphs, from one frame to the largest bucket and best at that, because a shape outside
    /// the profiles rebuilds the engine inside a run; engines and timings kept in a directory. Precision is that of the graph's types.
    /// </summary>
    /// <param name="buckets">Ascending, beginning with 1.</param>
    /// <param name="memoryLimit">Bytes of workspace for one graph; 0: no limit.</param>
    /// <param name="cacheDirectory">Where engines are read and, where there are none, written.</param>
    public static IReadOnlyDictionary<string, string> TensorRt(ModelManifest manifest, IReadOnlyList<int> buckets, long memoryLimit, string cacheDirectory)
    {
        var options = new Dictionary<string, string>
        {
            ["trt_engine_cache_enable"] = "1",
            ["trt_engine_cache_path"] = cacheDirectory,
            ["trt_timing_cache_enable"] = "1",
            ["trt_timing_cache_path"] = cacheDirectory,
            ["trt_builder_optimization_level"] = "3",
            ["trt_profile_min_shapes"] = Shapes(manifest, buckets[0]),
            ["trt_profile_opt_shapes"] = Shapes(manifest, buckets[^1]),
            ["trt_profile_max_shapes"] = Shapes(manifest, buckets[^1]),
        };
        if (memoryLimit > 0)
        {
            options["trt_max_workspace_size"] = Text(memoryLimit);
        }

        return options;
    }

    /// <summary>Every input of every graph at one batch size: <c>name:1x3x224x224,…</c>. A graph takes what concerns it.</summary>
    private static string Shapes(ModelManifest manifest, int batch)
    {
        var shapes = new TensorShapes(manifest, batch);
        IEnumerable<(string Name, long[] Shape)> inputs =
        [
            (PackageTensors.PixelValues, shapes.PixelValues),
            (PackageTensors.Features, shapes.Features),
            (PackageTensors.PseudoLabel, shapes.PseudoLabel),
            (PackageTensors.HiddenStates, shapes.HiddenStates),
            (PackageTensors.MaskFeatures, shapes.MaskFeatures),
            (PackageTensors.PatchProbabilities, shapes.PatchLogits),
            .. manifest.AdaptedTensors.Select(tensor => (tensor.Name, shapes.Adapted(tensor))),
        ];
        return string.Join(',', inputs.Select(static input => $"{input.Name}:{string.Join('x', input.Shape.Select(Text))}"));
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
