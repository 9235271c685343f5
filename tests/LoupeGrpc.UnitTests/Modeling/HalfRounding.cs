using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using LoupeGrpc.Files;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using DataType = LoupeGrpc.Modeling.Onnx.TensorProto.Types.DataType;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>
/// Rewrites graphs of half precision so that the CPU computes what a GPU would: every value that is a half is rounded to one, by operators of single precision.
/// Left to itself ONNX Runtime computes halves in single precision on the CPU and drops the rounding in between, overflow included.
/// </summary>
internal static class HalfRounding
{
    public const string WeightsName = "rounded.bin";

    // They only move halves.
    private static readonly string[] Exact =
        ["Reshape", "Flatten", "Transpose", "Slice", "Concat", "Gather", "Split", "Pad", "Identity", "Unsqueeze", "Expand", "MaxPool", "Relu", "Neg"];

    private static readonly ConcurrentDictionary<string, Lazy<ModelPackage>> _packages = new(StringComparer.Ordinal);

    /// <summary>A copy of a package whose folder of half precision holds such graphs; made once. Thread-safe.</summary>
    public static ModelPackage PackageOf(ModelPackage package) =>
        _packages.GetOrAdd(package.Directory, _ => new Lazy<ModelPackage>(() => Rewrite(package))).Value;

    private static ModelPackage Rewrite(ModelPackage package)
    {
        string directory = TestPackages.Copy(package);
        var files = package.Manifest.Precisions[PackageLayout.Fp16];
        string folder = Path.Combine(directory, PackageLayout.Fp16);
        using (var rounded = File.Create(Path.Combine(folder, WeightsName)))
        {
            foreach (var file in (PackageFile[])[files.Encoder, files.Segmentor, files.Adapt])
            {
                string path = Path.Combine(directory, file.Path);
                var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
                Apply(model, Path.Combine(folder, PackageLayout.WeightsName), rounded);
                File.WriteAllBytes(path, model.ToByteArray());
            }
        }

        PackageFile Again(PackageFile file)
        {
            string path = Path.Combine(directory, file.Path);
            return new PackageFile(file.Path, FileHash.OfFile(path), new FileInfo(path).Length);
        }

        var precisions = package.Manifest.Precisions.ToDictionary();
        precisions[PackageLayout.Fp16] = new PrecisionFiles(Again(files.Encoder), Again(files.Segmentor), Again(files.Adapt), files.Weights);
        File.WriteAllBytes(Path.Combine(directory, PackageLayout.Manifest), (package.Manifest with { Precisions = precisions }).ToBytes());
        return ModelPackage.Open(directory);
    }

    /// <param name="weights">The weight file beside the model.</param>
    /// <param name="rounded">A new weight file beside it, for several models: halves as numbers of single precision.</param>
    public static void Apply(ModelProto model, string weights, FileStream rounded)
    {
        var graph = model.Graph;
        var types = GraphTypes.Of(graph);
        using var file = RandomAccessFile.Open(weights);
        foreach (var tensor in graph.Initializer.Where(static tensor => tensor.DataType == (int)DataType.Float16))
        {
            Widen(tensor, file, rounded);
        }

        foreach (var value in graph.Input.Concat(graph.Output).Where(static value => value.Type.TensorType.ElemType == (int)DataType.Float16))
        {
            value.Type.TensorType.ElemType = (int)DataType.Float;
        }

        var nodes = graph.Node.ToList();
        graph.Node.Clear();
        var rounding = new Rounding(graph);
        foreach (var node in nodes)
        {
            bool isHalf = types[node.Output[0]] == DataType.Float16;
            if (node.OpType == "Cast" && isHalf)
            {
                node.Attribute.Single(static attribute => attribute.Name == "to").I = (long)DataType.Float;
            }

            graph.Node.Add(node);
            if (isHalf && !Exact.Contains(node.OpType))
            {
                string output = node.Output.Single();
                node.Output[0] = output + "/unrounded";
                rounding.Add(node.Output[0], output);
            }
        }
    }

    private static void Widen(TensorProto tensor, RandomAccessFile file, FileStream rounded)
    {
        tensor.DataType = (int)DataType.Float;
        if (tensor.DataLocation != TensorProto.Types.DataLocation.External)
        {
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(ToFloats(tensor.RawData.Span)));
            return;
        }

        string At(string key) => tensor.ExternalData.Single(entry => entry.Key == key).Value;
        var halves = new byte[int.Parse(At("length"), CultureInfo.InvariantCulture)];
        file.Read(long.Parse(At("offset"), CultureInfo.InvariantCulture), halves);
        rounded.Position = (rounded.Length + PackageLayout.WeightAlignment - 1) / PackageLayout.WeightAlignment * PackageLayout.WeightAlignment;
        tensor.ExternalData.Clear();
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = WeightsName });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = rounded.Position.ToString(CultureInfo.InvariantCulture) });
        rounded.Write(MemoryMarshal.AsBytes<float>(ToFloats(halves)));
    }

    private static float[] ToFloats(ReadOnlySpan<byte> halves)
    {
        var values = new float[halves.Length / 2];
        ElementReader.ToFloats(ElementType.Float16, halves, values);
        return values;
    }

    /// <summary>To the nearest half: 11 bits of mantissa by Veltkamp's splitting, multiples of 2⁻²⁴ below the smallest normal half, infinite from 65520 on.</summary>
    private sealed class Rounding(GraphProto graph)
    {
        private readonly HashSet<string> _constants = [];
        private int _count;

        public void Add(string value, string result)
        {
            string split = Node("Mul", value, Constant(8193));
            string normal = Node("Sub", split, Node("Sub", split, value));
            string tiny = Node("Sub", Node("Add", value, Constant(0.75f)), Constant(0.75f));
            string finite = Node("Where", Node("Less", Node("Abs", value), Constant(1f / (1 << 14))), tiny, normal);
            string isFinite = Node("Less", Node("Abs", normal), Constant(65505));
            var choice = new NodeProto { OpType = "Where", Name = result + "/rounded" };
            choice.Input.AddRange([isFinite, finite, Node("Mul", normal, Constant(float.MaxValue))]);
            choice.Output.Add(result);
            graph.Node.Add(choice);
        }

        private string Node(string operation, params string[] inputs)
        {
            var node = new NodeProto { OpType = operation, Name = $"rounding/{_count}" };
            node.Input.AddRange(inputs);
            node.Output.Add($"rounding/{_count++}");
            graph.Node.Add(node);
            return node.Output[0];
        }

        private string Constant(float value)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"rounding/{value:R}");
            if (_constants.Add(name))
            {
                graph.Initializer.Add(new TensorProto
                {
                    Name = name,
                    DataType = (int)DataType.Float,
                    RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<float>([value])),
                });
            }

            return name;
        }
    }
}
