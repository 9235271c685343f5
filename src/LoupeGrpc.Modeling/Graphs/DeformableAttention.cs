using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>
/// Multi-scale deformable attention without GridSample, which TensorRT miscompiles: bilinear sampling is one Gather of the four cells around
/// each point and one product with weights that hold bilinear and attention weight together. Coordinates are fp32 throughout, the offsets that make them included.
/// </summary>
/// <remarks>
/// A column of the [B,L,·] tensors here is one (head, level, point). The four cells around a point are always inside its map: the upper left one is clamped to
/// leave room for the others, and the weight of a cell is max(0, 1 − |distance|) along each axis, which is the bilinear weight of a point between cells
/// and zero where the point lies outside. This needs maps of two cells a side or more.
/// A graph for the CPU has one operator for all of it (<see cref="ProcessorOperators.DeformableSample"/>).
/// </remarks>
internal sealed class DeformableAttention
{
    private const int Points = 4;
    private const int Corners = 4;

    private readonly GraphBuilder _graph;
    private readonly Levels _levels;
    private readonly int _width;
    private readonly int _heads;
    private readonly int _columns;

    // Null in a graph for the CPU, whose operator makes its own.
    private readonly Tables? _tables;

    /// <param name="batch">The number of pictures, int64 [1].</param>
    public DeformableAttention(GraphBuilder graph, Levels levels, int width, int heads, Value batch)
    {
        _graph = graph;
        _levels = levels;
        _width = width;
        _heads = heads;
        _columns = heads * Levels.Count * Points;
        _tables = graph.ForProcessor ? null : CreateTables(batch);
    }

    /// <param name="queries">[B·L,D]: the cells with their positions.</param>
    /// <param name="rows">[B·L,D]: the cells.</param>
    /// <param name="name">The attention's tensors.</param>
    public Value Attend(Value queries, Value rows, string name)
    {
        var projected = rows.Linear(name + ".value_proj", _width, _width);
        var logits = queries.Linear(name + ".attention_weights", _width, _columns).ToSingle();
        var offsets = Offsets(queries, name);
        if (_tables is not { } tables)
        {
            var attributes = new Attributes().Int("heads", _heads).Ints("sides", [.. _levels.Sides.Select(static side => (long)side)]);
            return _graph.ProcessorNode(ProcessorOperators.DeformableSample, ElementType.Float32, [projected, logits, offsets], attributes)
                .Linear(name + ".output_proj", _width, _width);
        }

        var values = projected.Rows(_width / _heads);
        var attention = logits.Rows(Levels.Count * Points)
            .Softmax()
            .Reshape(-1, _levels.TotalCells, _columns);

        var point = offsets.Reshape(-1, _levels.TotalCells, 2 * _columns) + tables.Base;
        var corner = point.Floor().Max(_graph.Scalar(0, ElementType.Float32)).Min(tables.LastCorner);
        var distance = point - corner;
        var near = Split((1 - distance.Abs()).Relu());
        var far = Split((1 - (distance - 1).Abs()).Relu());

        var upper = attention * near.Y;
        var lower = attention * far.Y;
        var weights = Corner4(upper * near.X, upper * far.X, lower * near.X, lower * far.X);

        var steps = Split(corner * tables.Stride);
        var row = (steps.X + steps.Y + tables.ColumnRow).Cast(ElementType.Int32) + tables.PictureRow;
        var indices = Corner4(row, row + tables.Right, row + tables.Below, row + tables.BelowRight);

        var sampled = weights.Cast(values.Type).Reshape(-1, 1, Levels.Count * Points * Corners).MatMul(values.Gather(indices));
        return sampled.Rows(_width).Linear(name + ".output_proj", _width, _width);
    }

    private Tables CreateTables(Value batch)
    {
        // Values lie as rows of one head's part of one cell: row = (picture · L + cell) · heads + head.
        var x = new float[_columns];
        var y = new float[_columns];
        var last = new float[_columns];
        var first = new float[_columns];
        var below = new int[_columns];
        for (int column = 0; column < _columns; column++)
        {
            int head = column / (Levels.Count * Points);
            int level = column / Points % Levels.Count;
            int side = _levels.Sides[level];
            x[column] = _heads;
            y[column] = side * _heads;
            last[column] = side - 2;
            first[column] = _levels.Starts[level] * _heads + head;
            below[column] = side * _heads;
        }

        return new Tables(
            Base: _graph.Computed("segmentor.pixel_decoder.reference", ElementType.Float32, ReferenceCoordinates(), _levels.TotalCells, 2 * _columns),
            LastCorner: _graph.Floats([.. last, .. last]),
            Stride: _graph.Floats([.. x, .. y]),
            ColumnRow: _graph.Floats(first),
            Right: _graph.Int32s(_heads),
            Below: _graph.Int32s(below),
            BelowRight: _graph.Int32s([.. below.Select(row => row + _heads)]),
            PictureRow: PictureRows(batch));
    }

    /// <summary>[B·L,2·columns]: x of every column, then y of every column.</summary>
    private Value Offsets(Value queries, string name)
    {
        // The checkpoint has x and y of each point one after the other.
        int Source(int row) => row % _columns * 2 + row / _columns;

        var weight = _graph.Weight(
            name + ".sampling_offsets.split.weight",
            ElementType.Float32,
            _graph.Tensors.Require(name + ".sampling_offsets.weight", 2 * _columns, _width),
            [2 * _columns, _width],
            row => new SourceRow(Source(row)));
        float[] bias = _graph.Tensors.Read(name + ".sampling_offsets.bias", 2 * _columns);
        var split = _graph.Computed(
            name + ".sampling_offsets.split.bias",
            ElementType.Float32,
            [.. Enumerable.Range(0, 2 * _columns).Select(row => bias[Source(row)])],
            2 * _columns);
        return queries.Gemm(weight, split);
    }

    /// <summary>
    /// Where a query's points lie in each level's cells with offsets of zero: its own centre, (x + ½)/w of its level, times the sampled level's side, less ½.
    /// An offset of one is one cell of the sampled level.
    /// </summary>
    private float[] ReferenceCoordinates()
    {
        var coordinates = new float[_levels.TotalCells * 2 * _columns];
        for (int level = 0; level < Levels.Count; level++)
        {
            int side = _levels.Sides[level];
            for (int cell = 0; cell < _levels.Cells(level); cell++)
            {
                float x = (cell % side + 0.5f) / side;
                float y = (cell / side + 0.5f) / side;
                var row = coordinates.AsSpan((_levels.Starts[level] + cell) * 2 * _columns, 2 * _columns);
                for (int column = 0; column < _columns; column++)
                {
                    int sampledSide = _levels.Sides[column / Points % Levels.Count];
                    row[column] = x * sampledSide - 0.5f;
                    row[_columns + column] = y * sampledSide - 0.5f;
                }
            }
        }

        return coordinates;
    }

    /// <summary>The first row of each picture's values, int32 [B,1,1].</summary>
    private Value PictureRows(Value batch)
    {
        var picture = _graph.Node("Range", ElementType.Int64, [_graph.Int64(0), batch.Reshape(), _graph.Int64(1)]);
        return (picture * _graph.Int64((long)_levels.TotalCells * _heads)).Cast(ElementType.Int32).Reshape(-1, 1, 1);
    }

    private (Value X, Value Y) Split(Value both)
    {
        var halves = both.Split(2, _columns, _columns);
        return (halves[0], halves[1]);
    }

    /// <summary>One row a query and head: the four corners of its points, [B·L·heads, 4·levels·points].</summary>
    private static Value Corner4(Value upperLeft, Value upperRight, Value lowerLeft, Value lowerRight) =>
        Value.Concat(1, [.. new[] { upperLeft, upperRight, lowerLeft, lowerRight }.Select(static corner => corner.Rows(Levels.Count * Points))]);

    /// <summary>What is the same in every layer, by column.</summary>
    /// <param name="Base">Where points without offsets lie.</param>
    /// <param name="Stride">Rows of values from a cell to the next, along x and along y.</param>
    /// <param name="ColumnRow">The first row of values.</param>
    /// <param name="Right">Rows to the cell beside.</param>
    /// <param name="PictureRow">By picture.</param>
    private sealed record Tables(Value Base, Value LastCorner, Value Stride, Value ColumnRow, Value Right, Value Below, Value BelowRight, Value PictureRow);
}
