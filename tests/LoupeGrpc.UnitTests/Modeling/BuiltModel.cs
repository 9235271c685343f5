using Google.Protobuf;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>The graphs of a model, written to a temporary directory and loaded, with the stages a test wants to see as further outputs.</summary>
internal sealed class BuiltModel : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("loupe-graphs-").FullName;
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _segmentor;
    private readonly InferenceSession _adapt;

    /// <param name="forProcessor">The segmentor is the one with <see cref="ProcessorOperators"/>.</param>
    /// <param name="precision">Halves are rounded wherever a GPU would (<see cref="HalfRounding"/>).</param>
    public BuiltModel(LoupeConfig config, ITensorSource weights, Func<string, bool>? exposes = null, string precision = PackageLayout.Fp32, bool forProcessor = false)
    {
        var graphs = ModelGraphs.Build(config, weights, precision, "tests", exposes);
        Write(PackageLayout.WeightsName, stream => graphs.Weights.Write(stream, weights, null, TestContext.Current.CancellationToken));
        if (precision == PackageLayout.Fp16)
        {
            using var rounded = File.Create(Path.Combine(_directory, HalfRounding.WeightsName));
            foreach (var model in (ModelProto[])[graphs.Encoder, graphs.Segmentor, graphs.Adapt])
            {
                HalfRounding.Apply(model, Path.Combine(_directory, PackageLayout.WeightsName), rounded);
            }
        }

        Write("encoder.onnx", graphs.Encoder.WriteTo);
        Write("segmentor.onnx", (forProcessor ? graphs.ProcessorSegmentor! : graphs.Segmentor).WriteTo);
        Write("adapt.onnx", graphs.Adapt.WriteTo);
        Theta = graphs.Theta.ToDictionary(static theta => theta.Tensor.Name, static theta => new Tensor([.. theta.Tensor.Shape], theta.Values));
        _encoder = Load("encoder.onnx");
        _segmentor = Load("segmentor.onnx");
        _adapt = Load("adapt.onnx");
    }

    /// <summary>Base values of the adapted tensors, without a batch.</summary>
    public IReadOnlyDictionary<string, Tensor> Theta { get; }

    public Dictionary<string, Tensor> Encode(Tensor pixels) => Run(_encoder, new() { [PackageTensors.PixelValues] = pixels });

    /// <param name="theta">One set of adapted tensors for each picture.</param>
    public Dictionary<string, Tensor> Segment(Tensor features, float[] scores, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> theta)
    {
        var inputs = new Dictionary<string, Tensor>
        {
            [PackageTensors.Features] = features,
            [PackageTensors.PseudoLabel] = new Tensor([scores.Length], scores),
        };
        AddTheta(inputs, theta);
        return Run(_segmentor, inputs);
    }

    /// <summary>With the base values of the adapted tensors.</summary>
    public Dictionary<string, Tensor> Segment(Tensor features, float[] scores) =>
        Segment(features, scores, [.. Enumerable.Repeat(Theta, scores.Length)]);

    /// <summary>Loss, matched queries and gradients.</summary>
    /// <param name="patches">Probabilities [B,N].</param>
    public Dictionary<string, Tensor> Adapt(
        Tensor hiddenStates, Tensor maskFeatures, Tensor patches, float[] scores, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> theta)
    {
        var inputs = new Dictionary<string, Tensor>
        {
            [PackageTensors.HiddenStates] = hiddenStates,
            [PackageTensors.MaskFeatures] = maskFeatures,
            [PackageTensors.PatchProbabilities] = patches,
            [PackageTensors.PseudoLabel] = new Tensor([scores.Length], scores),
        };
        AddTheta(inputs, theta);
        return Run(_adapt, inputs);
    }

    /// <summary>Operators of both graphs after ONNX Runtime's optimisations that do not depend on the machine.</summary>
    public IReadOnlyList<string> OptimisedOperators()
    {
        var operators = new List<string>();
        foreach (string name in (string[])["encoder.onnx", "segmentor.onnx"])
        {
            string optimised = Path.Combine(_directory, "optimised-" + name);
            using var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED, OptimizedModelFilePath = optimised };
            using (new InferenceSession(Path.Combine(_directory, name), options))
            {
                operators.AddRange(ModelProto.Parser.ParseFrom(File.ReadAllBytes(optimised)).Graph.Node.Select(static node => node.OpType));
            }
        }

        return operators;
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _segmentor.Dispose();
        _adapt.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static void AddTheta(Dictionary<string, Tensor> inputs, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> theta)
    {
        foreach (string name in PackageTensors.Adapted)
        {
            inputs[name] = Tensor.Stack([.. theta.Select(set => set[name])]);
        }
    }

    private static Dictionary<string, Tensor> Run(InferenceSession session, Dictionary<string, Tensor> inputs)
    {
        using var options = new RunOptions();
        var values = inputs.ToDictionary(static input => input.Key, static input => OrtValue.CreateTensorValueFromMemory(input.Value.Values, input.Value.Shape));
        try
        {
            using var outputs = session.Run(options, values, session.OutputNames);
            return session.OutputNames.Zip(outputs).ToDictionary(
                static output => output.First,
                static output => ToTensor(output.Second));
        }
        finally
        {
            foreach (var value in values.Values)
            {
                value.Dispose();
            }
        }
    }

    private static Tensor ToTensor(OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        float[] values = info.ElementDataType == TensorElementType.Int64
            ? [.. value.GetTensorDataAsSpan<long>().ToArray().Select(static number => (float)number)]
            : value.GetTensorDataAsSpan<float>().ToArray();
        return new Tensor(info.Shape, values);
    }

    private void Write(string name, Action<Stream> write)
    {
        using var file = File.Create(Path.Combine(_directory, name));
        write(file);
    }

    private InferenceSession Load(string name)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        options.RegisterCustomOpLibrary(NativeOperators.Library);
        return new InferenceSession(Path.Combine(_directory, name), options);
    }
}
