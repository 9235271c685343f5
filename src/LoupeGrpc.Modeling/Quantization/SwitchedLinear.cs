using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Quantization;

/// <summary>
/// Every layer that may be quantised in both forms, of which a run takes one: with it one graph tells the ranges of all layers' inputs, and what each layer in 8 bits
/// does to the answers, without a file of weights for each trial.
/// </summary>
internal sealed class SwitchedLinear : ILinearForm
{
    private readonly GraphBuilder _graph;
    private readonly List<string> _layers = [];
    private readonly List<Value> _lows = [];
    private readonly List<Value> _highs = [];
    private readonly Value _switches;
    private readonly Value _scales;
    private readonly Value _zeroPoints;

    private SwitchedLinear(GraphBuilder graph)
    {
        _graph = graph;
        var layers = new Dim(0, "layers");
        _switches = graph.Input(TrialTensors.Quantized, ElementType.Bool, layers);
        _scales = graph.Input(TrialTensors.Scale, ElementType.Float32, layers);
        _zeroPoints = graph.Input(TrialTensors.ZeroPoint, ElementType.UInt8, layers);
    }

    /// <summary>In the order of the graph.</summary>
    public IReadOnlyList<string> Layers => _layers;

    /// <summary>Declares what a trial graph has beside the model's own inputs.</summary>
    public static SwitchedLinear Declare(GraphBuilder graph) => new(graph);

    public Value? Apply(Value rows, Value weight, Value? bias, Func<Value> plain)
    {
        if (QuantizableLayers.NameOf(weight.Name) is not { } layer)
        {
            return null;
        }

        var index = _graph.Int64(_layers.Count);
        _layers.Add(layer);
        _lows.Add(rows.Smallest());
        _highs.Add(rows.Largest());
        var (scale, zeroPoint) = (_scales.Gather(index), _zeroPoints.Gather(index));
        return _graph.If(_switches.Gather(index), () => QuantizedLinear.Of(rows, weight, bias, scale, zeroPoint), plain);
    }

    /// <summary>After the last layer: the smallest and largest element of each one's input.</summary>
    public void Finish()
    {
        _graph.Within("ranges");
        _graph.Output(TrialTensors.Low, Value.Concat(0, [.. _lows]), _layers.Count);
        _graph.Output(TrialTensors.High, Value.Concat(0, [.. _highs]), _layers.Count);
    }
}
