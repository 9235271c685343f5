using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Quantization;

/// <summary>The layers of a plan in 8 bits, with the ranges that were measured for them; the others as they are.</summary>
internal sealed class StaticLinear(IReadOnlyDictionary<string, ActivationRange> plan) : ILinearForm
{
    private readonly Dictionary<(string Rows, ActivationRange Range), Value> _quantized = [];

    public Value? Apply(Value rows, Value weight, Value? bias, Func<Value> plain)
    {
        if (QuantizableLayers.NameOf(weight.Name) is not { } layer || !plan.TryGetValue(layer, out var range))
        {
            return null;
        }

        var graph = rows.Graph;
        var (scale, zeroPoint) = (graph.Scalar(range.Scale, ElementType.Float32), graph.UInt8(range.ZeroPoint));
        if (!_quantized.TryGetValue((rows.Name, range), out var quantized))
        {
            // Queries, keys and values read the same rows.
            quantized = rows.Quantize(scale, zeroPoint);
            _quantized.Add((rows.Name, range), quantized);
        }

        return QuantizedLinear.Of(quantized, weight, bias, (scale, zeroPoint));
    }
}
