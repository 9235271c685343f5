using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Onnx;

/// <summary>
/// Builds one ONNX model. Names of values and nodes are unique and follow from the order of construction, so equal models give equal bytes.
/// Nothing is read from the checkpoint but what decides about constants: weights are only listed in <paramref name="weights"/>.
/// </summary>
/// <param name="compute">
/// Element type of weights and of matrix products. What needs fp32 is so whatever this is, and says so where it is built: residual sums, norms, softmax,
/// coordinates, the last layers of the classifier, and the head that adaptation changes with its masks.
/// </param>
/// <param name="exposes">Tests look at stages inside the model: a stage that this accepts becomes an output.</param>
/// <param name="forProcessor">Whether the graph is for <see cref="ProcessorOperators"/>, which only ONNX Runtime on the CPU has here.</param>
internal sealed class GraphBuilder(
    string name, ElementType compute, TensorLedger tensors, WeightFile weights, Func<string, bool>? exposes = null, bool forProcessor = false)
{
    // What ONNX Runtime, CUDA and TensorRT all run without falling back: later versions of some operators have no CUDA kernel.
    public const int Opset = 17;
    public const int IrVersion = 8;

    // Operators that ONNX Runtime has beside the standard ones.
    private const string RuntimeDomain = "com.microsoft";

    // Below it a tensor stands in the graph itself: an aligned place in the weight file would be mostly padding.
    private const int LargestInline = 1024;

    private readonly GraphProto _graph = new() { Name = name };
    private readonly Dictionary<string, int> _names = [];
    private readonly Dictionary<string, Value> _constants = [];
    private readonly Dictionary<string, Initializer> _initializers = [];
    private readonly HashSet<string> _written = [];

    // Where nodes go: the graph's own, or a branch's while it is built.
    private IList<NodeProto>? _branch;
    private bool _usesRuntimeOperators;
    private string _scope = "";

    /// <summary>Element type of weights and of matrix products.</summary>
    public ElementType Compute => compute;

    /// <summary>Whether <see cref="ProcessorOperators"/> may be used.</summary>
    public bool ForProcessor => forProcessor;

    /// <summary>The checkpoint's tensors.</summary>
    public TensorLedger Tensors => tensors;

    /// <summary>How linear layers are computed; null: as they are. Set before the first.</summary>
    public ILinearForm? Linear { get; set; }

    private IList<NodeProto> Added => _branch ?? _graph.Node;

    public static TensorProto.Types.DataType DataTypeOf(ElementType type) => type switch
    {
        ElementType.Float32 => TensorProto.Types.DataType.Float,
        ElementType.Float16 => TensorProto.Types.DataType.Float16,
        ElementType.Int64 => TensorProto.Types.DataType.Int64,
        ElementType.Int32 => TensorProto.Types.DataType.Int32,
        ElementType.Int8 => TensorProto.Types.DataType.Int8,
        ElementType.UInt8 => TensorProto.Types.DataType.Uint8,
        ElementType.Bool => TensorProto.Types.DataType.Bool,
        _ => throw new NotSupportedException($"No graph uses {type}."),
    };

    /// <summary>Names of nodes until the next call begin with it: the part of the model being built.</summary>
    public void Within(string part) => _scope = part;

    public Value Input(string input, ElementType type, params Dim[] shape)
    {
        _graph.Input.Add(Describe(input, type, shape));
        return new Value(this, input, type);
    }

    public void Output(string output, Value value, params Dim[] shape)
    {
        var node = new NodeProto { Name = Unique("output"), OpType = "Identity" };
        node.Input.Add(Used(value));
        node.Output.Add(output);
        Added.Add(node);
        _graph.Output.Add(Describe(output, value.Type, shape));
    }

    /// <summary>Makes an inner result an output where a test asks for it; otherwise adds nothing.</summary>
    public void Stage(string stage, Func<Value> value, params Dim[] shape)
    {
        if (exposes?.Invoke(stage) == true)
        {
            Output(stage, value().Cast(ElementType.Float32), shape);
        }
    }

    public Value Node(string operation, ElementType type, IReadOnlyList<Value?> inputs, Attributes? attributes = null) =>
        Nodes(operation, type, 1, inputs, attributes)[0];

    /// <summary>Adds a node that is one of <see cref="ProcessorOperators"/>.</summary>
    public Value ProcessorNode(string operation, ElementType type, IReadOnlyList<Value> inputs, Attributes attributes)
    {
        var value = Node(operation, type, inputs, attributes);
        Added[^1].Domain = ProcessorOperators.Domain;
        return value;
    }

    /// <summary>Adds a node that ONNX Runtime has beside the standard operators.</summary>
    public Value RuntimeNode(string operation, ElementType type, IReadOnlyList<Value?> inputs)
    {
        var value = Node(operation, type, inputs);
        Added[^1].Domain = RuntimeDomain;
        _usesRuntimeOperators = true;
        return value;
    }

    /// <summary>One of two ways to the same thing, by a boolean scalar when the graph runs.</summary>
    public Value If(Value condition, Func<Value> whenTrue, Func<Value> whenFalse)
    {
        var (type, taken) = Branch("then", whenTrue);
        var (_, other) = Branch("else", whenFalse);
        return Node("If", type, [condition], new Attributes().Graph("then_branch", taken).Graph("else_branch", other));
    }

    /// <summary>Adds a node of several outputs, all of one type.</summary>
    public Value[] Nodes(string operation, ElementType type, int outputs, IReadOnlyList<Value?> inputs, Attributes? attributes = null)
    {
        string unique = Unique(operation);
        var node = new NodeProto { Name = unique, OpType = operation };
        node.Input.AddRange(inputs.Select(input => input is null ? "" : Used(input)));
        node.Attribute.AddRange(attributes?.Items ?? []);
        var results = new Value[outputs];
        for (int i = 0; i < outputs; i++)
        {
            results[i] = new Value(this, outputs == 1 ? unique : unique + "." + i.ToString(CultureInfo.InvariantCulture), type);
            node.Output.Add(results[i].Name);
        }

        Added.Add(node);
        return results;
    }

    /// <summary>A tensor of the checkpoint in <see cref="Compute"/>, as it is stored.</summary>
    public Value Weight(string tensor, params long[] shape) => Weight(tensor, compute, shape);

    /// <summary>A tensor of the checkpoint, as it is stored.</summary>
    public Value Weight(string tensor, ElementType type, params long[] shape) =>
        Initializer(new TensorRows(tensor, shape, type, tensors.Require(tensor, shape)));

    /// <summary>A tensor of the checkpoint under another shape of the same length, e.g. a 1×1 convolution as a matrix.</summary>
    public Value WeightAs(string tensor, ElementType type, long[] stored, long[] shape) =>
        Initializer(new TensorRows(tensor, shape, type, tensors.Require(tensor, stored)));

    /// <summary>Rows of a matrix of the checkpoint, chosen and scaled.</summary>
    /// <param name="shape">The last side is the matrix's; the others together are the rows that <paramref name="map"/> is asked for.</param>
    public Value Weight(string initializer, ElementType type, TensorInfo matrix, long[] shape, Func<int, SourceRow> map) =>
        Initializer(new TensorRows(initializer, shape, type, matrix, map));

    /// <summary>A tensor that is made of another one's values.</summary>
    public Value Derived(Initializer initializer) => Initializer(initializer);

    /// <summary>What a weight's values come from; null for a value that is not one.</summary>
    public Initializer? Find(Value weight) => _initializers.GetValueOrDefault(weight.Name);

    /// <summary>A computed tensor with a name of its own, e.g. a position embedding.</summary>
    public Value Computed(string initializer, ElementType type, float[] values, params long[] shape) =>
        Initializer(new ComputedTensor(initializer, shape, type, values));

    public Value Scalar(float value, ElementType type) => Inline(type, [], [value]);

    public Value Floats(params float[] values) => Inline(ElementType.Float32, [values.Length], values);

    public Value Int64s(params long[] values) => Inline<long>(ElementType.Int64, [values.Length], values);

    public Value Int64(long value) => Inline<long>(ElementType.Int64, [], [value]);

    public Value Int32s(params int[] values) => Inline<int>(ElementType.Int32, [values.Length], values);

    public Value UInt8(byte value) => Inline<byte>(ElementType.UInt8, [], [value]);

    /// <param name="producer">The program that writes the model.</param>
    public ModelProto Build(string producer)
    {
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = producer, Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        if (forProcessor)
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = ProcessorOperators.Domain, Version = ProcessorOperators.Version });
        }

        if (_usesRuntimeOperators)
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = RuntimeDomain, Version = 1 });
        }

        return model;
    }

    public static ValueInfoProto Describe(string name, ElementType type, Dim[] shape)
    {
        var sides = new TensorShapeProto();
        foreach (var side in shape)
        {
            sides.Dim.Add(side.Symbol is null
                ? new TensorShapeProto.Types.Dimension { DimValue = side.Length }
                : new TensorShapeProto.Types.Dimension { DimParam = side.Symbol });
        }

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataTypeOf(type), Shape = sides } },
        };
    }

    private Value Initializer(Initializer initializer)
    {
        if (_constants.TryGetValue(initializer.Name, out var known))
        {
            return known;
        }

        var value = new Value(this, initializer.Name, initializer.Type);
        _initializers.Add(initializer.Name, initializer);
        _constants.Add(initializer.Name, value);
        return value;
    }

    /// <summary>A weight gets its place with the first node that reads it: one that another form of a layer stands for has none.</summary>
    private string Used(Value value)
    {
        if (_initializers.TryGetValue(value.Name, out var initializer) && _written.Add(value.Name))
        {
            Write(initializer);
        }

        return value.Name;
    }

    private void Write(Initializer initializer)
    {
        var proto = new TensorProto { Name = initializer.Name, DataType = (int)DataTypeOf(initializer.Type) };
        proto.Dims.AddRange(initializer.Shape);
        if (initializer.Bytes < LargestInline)
        {
            proto.RawData = ByteString.CopyFrom(tensors.IsValid ? initializer.ReadBytes(tensors.Source) : []);
        }
        else
        {
            long offset = weights.Add(initializer);
            proto.DataLocation = TensorProto.Types.DataLocation.External;
            proto.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = PackageLayout.WeightsName });
            proto.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = offset.ToString(CultureInfo.InvariantCulture) });
            proto.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = initializer.Bytes.ToString(CultureInfo.InvariantCulture) });
        }

        _graph.Initializer.Add(proto);
    }

    private (ElementType Type, GraphProto Graph) Branch(string branch, Func<Value> build)
    {
        var (outer, graph) = (_branch, new GraphProto { Name = Unique(branch) });
        _branch = graph.Node;
        var value = build();
        _branch = outer;
        graph.Output.Add(new ValueInfoProto
        {
            Name = value.Name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataTypeOf(value.Type) } },
        });
        return (value.Type, graph);
    }

    private Value Inline(ElementType type, long[] shape, float[] values) => type == ElementType.Float32
        ? Inline<float>(type, shape, values)
        : Inline<Half>(type, shape, [.. values.Select(static value => (Half)value)]);

    /// <summary>Equal constants are one.</summary>
    private Value Inline<T>(ElementType type, long[] shape, T[] values)
        where T : unmanaged
    {
        string key = $"{type}[{string.Join(',', shape)}]:{string.Join(',', values)}";
        if (_constants.TryGetValue(key, out var known))
        {
            return known;
        }

        var proto = new TensorProto
        {
            Name = "constant/" + _constants.Count.ToString(CultureInfo.InvariantCulture),
            DataType = (int)DataTypeOf(type),
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<T>(values)),
        };
        proto.Dims.AddRange(shape);
        _graph.Initializer.Add(proto);
        var value = new Value(this, proto.Name, type);
        _constants.Add(key, value);
        return value;
    }

    private string Unique(string operation)
    {
        string stem = _scope + "/" + operation;
        int count = _names.GetValueOrDefault(stem);
        _names[stem] = count + 1;
        return stem + "_" + count.ToString(CultureInfo.InvariantCulture);
    }
}
