using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Quantization;

/// <summary>
/// A linear layer in 8 bits, in the form that ONNX Runtime's CPU has its fastest products for: unsigned activations with one scale and zero point, signed weights
/// with a scale for each output. Signed by signed it has none, and both with scales of their own at run time would make a picture's numbers depend on its neighbours in a batch.
/// </summary>
internal static class QuantizedLinear
{
    /// <param name="scale">Of the rows, a scalar.</param>
    /// <param name="zeroPoint">Of the rows, a scalar.</param>
    public static Value Of(Value rows, Value weight, Value? bias, Value scale, Value zeroPoint) => Of(rows.Quantize(scale, zeroPoint), weight, bias, (scale, zeroPoint));

    /// <param name="rows">In 8 bits.</param>
    /// <param name="by">What they were quantised by.</param>
    public static Value Of(Value rows, Value weight, Value? bias, (Value Scale, Value ZeroPoint) by)
    {
        var graph = rows.Graph;
        var matrix = QuantizedMatrix.Of(
            graph.Find(weight) ?? throw new InvalidOperationException($"{weight.Name} is no weight: it cannot be quantised."), graph.Tensors);
        var quantized = graph.Derived(matrix);
        var scales = graph.Computed(weight.Name + ".scale", ElementType.Float32, [.. matrix.Scales], matrix.Scales.Count);
        Value?[] inputs = [rows, quantized, by.Scale, scales, by.ZeroPoint];
        return graph.RuntimeNode("MatMulIntegerToFloat", ElementType.Float32, bias is null ? inputs : [.. inputs, null, bias]);
    }
}
