namespace LoupeGrpc.Modeling.Graphs;

/// <summary>The three maps of the pixel decoder, coarse to fine, and their cells one map after another.</summary>
internal sealed class Levels
{
    public const int Count = 3;

    public Levels(int grid)
    {
        Sides = [grid / 2, grid, 2 * grid];
        Starts = [0, Cells(0), Cells(0) + Cells(1)];
        TotalCells = Starts[2] + Cells(2);
    }

    /// <summary>Cells along one side of each map.</summary>
    public IReadOnlyList<int> Sides { get; }

    /// <summary>Where each map begins among all cells.</summary>
    public IReadOnlyList<int> Starts { get; }

    public int TotalCells { get; }

    public int Cells(int level) => Sides[level] * Sides[level];
}
