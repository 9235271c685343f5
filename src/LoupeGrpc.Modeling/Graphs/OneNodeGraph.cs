using Google.Protobuf;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>The smallest graph that is one, for trying a provider without a model: <c>y = Relu(x)</c> over 16 numbers. Every provider has this operator.</summary>
public static class OneNodeGraph
{
    public const string Input = "x";
    public const string Output = "y";

    public const int Length = 16;

    /// <summary>A serialised ONNX model; the same at every call.</summary>
    public static byte[] Write()
    {
        var node = new NodeProto { OpType = "Relu", Input = { Input }, Output = { Output } };
        var graph = new GraphProto { Name = "probe", Node = { node }, Input = { Vector(Input) }, Output = { Vector(Output) } };
        return new ModelProto
        {
            IrVersion = GraphBuilder.IrVersion,
            Graph = graph,
            OpsetImport = { new OperatorSetIdProto { Domain = string.Empty, Version = GraphBuilder.Opset } },
        }.ToByteArray();
    }

    private static ValueInfoProto Vector(string name) => GraphBuilder.Describe(name, ElementType.Float32, [Length]);
}
