using LoupeGrpc.Engine.Masks;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Masks;

public sealed class MaskCellsTests
{
    [Theory]
    [InlineData(9, 6, 3, 3)]
    [InlineData(100, 37, 3, 3)]
    [InlineData(101, 64, 16, 16)]
    [InlineData(1, 1, 3, 3)]
    [InlineData(2, 5, 16, 16)]
    public void Every_pixel_is_in_the_cell_of_its_corner(int width, int height, int columns, int rows)
    {
        var random = new Random(7);
        byte[] mask = [.. Enumerable.Range(0, width * height).Select(_ => (byte)random.Next(2))];
        var expected = new long[columns * rows];
        for (int i = 0; i < mask.Length; i++)
        {
            expected[(i / width * rows / height * columns) + (i % width * columns / width)] += mask[i];
        }

        Assert.Equal(expected, MaskCells.Count(mask, width, columns, rows));
    }
}
