using Google.Protobuf;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Quantization;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>The graphs of a <see cref="QuantizationTrial"/> in a package that is being written.</summary>
internal static class TrialGraphs
{
    private const string Folder = "trial";

    /// <summary>Writes them with weights of their own, in single precision and in 8 bits.</summary>
    /// <param name="source">Known to fit the configuration.</param>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: the directory cannot be written.</exception>
    public static QuantizationTrial Write(string directory, LoupeConfig config, ITensorSource source, string producer, CancellationToken cancellationToken)
    {
        var tensors = new TensorLedger(source);
        var weights = new WeightFile();
        string folder = Path.Combine(directory, Folder);
        Directory.CreateDirectory(folder);
        var (encoder, encoderLayers) = WriteGraph(Path.Combine(folder, "encoder.onnx"), "encoder", EncoderGraph.Build);
        var (segmentor, segmentorLayers) = WriteGraph(Path.Combine(folder, "segmentor.onnx"), "segmentor", SegmentorGraph.Build);
        using (var file = File.Create(Path.Combine(folder, PackageLayout.WeightsName)))
        {
            weights.Write(file, source, null, cancellationToken);
        }

        return new QuantizationTrial(encoder, segmentor, encoderLayers, segmentorLayers);

        (string Path, IReadOnlyList<string> Layers) WriteGraph(string path, string name, Action<GraphBuilder, LoupeConfig> build)
        {
            var graph = new GraphBuilder(name, ElementType.Float32, tensors, weights);
            var switched = SwitchedLinear.Declare(graph);
            graph.Linear = switched;
            build(graph, config);
            switched.Finish();
            using var file = File.Create(path);
            graph.Build(producer).WriteTo(file);
            return (path, switched.Layers);
        }
    }

    public static void Remove(string directory)
    {
        string folder = Path.Combine(directory, Folder);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
