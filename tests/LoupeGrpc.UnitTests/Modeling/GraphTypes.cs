using LoupeGrpc.Modeling.Onnx;
using DataType = LoupeGrpc.Modeling.Onnx.TensorProto.Types.DataType;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>Element types of all values of a graph, by the operators' own rules: ONNX Runtime would not load what breaks them.</summary>
internal static class GraphTypes
{
    public static Dictionary<string, DataType> Of(GraphProto graph)
    {
        var types = graph.Initializer.ToDictionary(static tensor => tensor.Name, static tensor => (DataType)tensor.DataType);
        foreach (var input in graph.Input)
        {
            types.Add(input.Name, (DataType)input.Type.TensorType.ElemType);
        }

        foreach (var node in graph.Node)
        {
            var type = node.OpType switch
            {
                "Cast" => (DataType)node.Attribute.Single(static attribute => attribute.Name == "to").I,
                "Shape" or "ArgMin" or "Range" => DataType.Int64,
                "Equal" or "Less" => DataType.Bool,
                "QuantizeLinear" => DataType.Uint8,
                "MatMulIntegerToFloat" => DataType.Float,
                "Where" => types[node.Input[1]],
                _ => types[node.Input[0]],
            };
            foreach (string output in node.Output)
            {
                types.Add(output, type);
            }
        }

        return types;
    }
}
