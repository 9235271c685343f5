using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>What the manifest promises about the graphs: buffers are sized by it, so it must hold before anything runs.</summary>
internal static class GraphContract
{
    private const int AnySize = -1;

    public static void CheckEncoder(InferenceSession session, ModelPackage package, PrecisionFiles files)
    {
        var shapes = new TensorShapes(package.Manifest, AnySize);
        string graph = $"{package.Directory}: the encoder";
        Check(graph, "input", session.InputMetadata, PackageTensors.PixelValues, shapes.PixelValues);
        Check(graph, "output", session.OutputMetadata, PackageTensors.Features, shapes.Features, files);
        Check(graph, "output", session.OutputMetadata, PackageTensors.ClsLogit, shapes.ClsLogit);
        Check(graph, "output", session.OutputMetadata, PackageTensors.PatchLogits, shapes.PatchLogits);
    }

    public static void CheckSegmentor(InferenceSession session, ModelPackage package, PrecisionFiles files)
    {
        var shapes = new TensorShapes(package.Manifest, AnySize);
        string graph = $"{package.Directory}: the segmentor";
        Check(graph, "input", session.InputMetadata, PackageTensors.Features, shapes.Features, files);
        Check(graph, "input", session.InputMetadata, PackageTensors.PseudoLabel, shapes.PseudoLabel);
        foreach (var tensor in package.Manifest.AdaptedTensors)
        {
            Check(graph, "input", session.InputMetadata, tensor.Name, shapes.Adapted(tensor));
        }

        Check(graph, "output", session.OutputMetadata, PackageTensors.MaskLogits, shapes.MaskLogits);
        Check(graph, "output", session.OutputMetadata, PackageTensors.ClassLogits, shapes.ClassLogits);
        Check(graph, "output", session.OutputMetadata, PackageTensors.HiddenStates, shapes.HiddenStates, files);
        Check(graph, "output", session.OutputMetadata, PackageTensors.MaskFeatures, shapes.MaskFeatures, files);
    }

    public static void CheckAdapt(InferenceSession session, ModelPackage package, PrecisionFiles files)
    {
        var shapes = new TensorShapes(package.Manifest, AnySize);
        string graph = $"{package.Directory}: the adapt graph";
        Check(graph, "input", session.InputMetadata, PackageTensors.HiddenStates, shapes.HiddenStates, files);
        Check(graph, "input", session.InputMetadata, PackageTensors.MaskFeatures, shapes.MaskFeatures, files);
        Check(graph, "input", session.InputMetadata, PackageTensors.PatchProbabilities, shapes.PatchLogits);
        Check(graph, "input", session.InputMetadata, PackageTensors.PseudoLabel, shapes.PseudoLabel);
        Check(graph, "output", session.OutputMetadata, PackageTensors.Loss, shapes.Loss);
        Check(graph, "output", session.OutputMetadata, PackageTensors.Gradients, shapes.Gradients);
    }

    /// <param name="files">Says the element type; null for what is of single precision always.</param>
    private static void Check(string graph, string direction, IReadOnlyDictionary<string, NodeMetadata> nodes, string name, long[] expected, PrecisionFiles? files = null)
    {
        if (!nodes.TryGetValue(name, out var node))
        {
            throw new ModelLoadException($"{graph} has no {direction} {name}.");
        }

        bool isHalf = files?.TypeOf(name) == ElementType.Float16;
        if (!node.IsTensor || node.ElementType != (isHalf ? typeof(Float16) : typeof(float)))
        {
            throw new ModelLoadException($"{graph}'s {direction} {name} is not a tensor of {(isHalf ? "half" : "single")} precision, as {PackageLayout.Manifest} says it is.");
        }

        int[] dimensions = node.Dimensions;
        bool fits = dimensions.Length == expected.Length;
        for (int i = 0; fits && i < dimensions.Length; i++)
        {
            // A graph need not state what it computes; what it states must fit.
            fits = dimensions[i] <= 0 || expected[i] == AnySize || dimensions[i] == expected[i];
        }

        if (!fits)
        {
            throw new ModelLoadException(
                $"{graph}'s {direction} {name} has the shape [{string.Join(',', dimensions)}], the manifest says [{string.Join(',', expected)}] (-1 is the batch).");
        }
    }
}
