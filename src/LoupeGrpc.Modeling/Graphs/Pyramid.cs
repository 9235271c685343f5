using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>Patch features at four scales.</summary>
/// <param name="Quadruple">Scale 4, rows of 4g·4g cells, width C.</param>
/// <param name="Levels">Scales 0.5, 1 and 2, coarse to fine: rows of the pixel decoder's levels.</param>
internal sealed record PyramidMaps(Value Quadruple, IReadOnlyList<Value> Levels);

/// <summary>The feature pyramid: transposed convolutions up, pooling down.</summary>
internal sealed class Pyramid(GraphBuilder graph, BackboneConfig config)
{
    // Of the blocks' norms only.
    private const float Epsilon = 1e-6f;

    private readonly int _width = config.Width;
    private readonly int _grid = config.Grid;

    /// <summary>From features as rows [B·T,C].</summary>
    public PyramidMaps Build(Value features)
    {
        graph.Within("pyramid");
        var patches = features.PatchRows(config);
        var map = patches.ToMap(_width, _grid, _grid);

        var half = Up(map, "0.0", _grid).ToMap(_width, 2 * _grid, 2 * _grid);
        var quadruple = Up(half, "0.1", 2 * _grid);
        var twice = Up(map, "1.0", _grid);
        var pooled = Down(map, "3.0");

        Stage(0, quadruple, 4 * _grid);
        Stage(1, twice, 2 * _grid);
        Stage(2, patches, _grid);
        Stage(3, pooled, _grid / 2);
        return new PyramidMaps(quadruple, [pooled, patches, twice]);
    }

    private static string Name(string layer) => $"segmentor.fpn.scale_layers.{layer}";

    private Value Up(Value map, string layer, int side)
    {
        string name = Name(layer);
        var up = map.ConvTranspose(
            graph.Weight(name + ".conv1.weight", _width, _width, 2, 2),
            graph.Weight(name + ".conv1.bias", _width),
            kernel: 2,
            stride: 2);
        return Finish(up, name, 2 * side);
    }

    private Value Down(Value map, string layer) => Finish(map.MaxPool(kernel: 2, stride: 2), Name(layer), _grid / 2);

    private Value Finish(Value map, string name, int side) =>
        map.Gelu()
            .Conv(graph.Weight(name + ".conv2.weight", _width, 1, 3, 3), null, kernel: 3, padding: 1, groups: _width)
            .ToRows(_width, side * side)
            .LayerNorm(name + ".norm", _width, Epsilon);

    private void Stage(int index, Value rows, int side) =>
        graph.Stage($"fpn.{index}", () => rows.ToMap(_width, side, side), Dim.Batch, _width, side, side);
}
