using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>The nine fields of a picture, thirds of its width and height, numbered 1 to 9 in the order of reading, as viewers show it: findings are in stored pixels.</summary>
internal static class Fields
{
    private const int Side = 3;

    /// <param name="index">Of a field in stored orientation, from 0, row by row.</param>
    public static int NumberOf(int index, int orientation)
    {
        var (column, row) = Turn(index % Side, index / Side, orientation);
        return (row * Side) + column + 1;
    }

    /// <summary>That of the middle of a box in stored pixels.</summary>
    public static int NumberOf(int x, int y, int width, int height, FrameAnalysis picture)
    {
        int column = ThirdOf(x + (width / 2.0), picture.Width);
        int row = ThirdOf(y + (height / 2.0), picture.Height);
        return NumberOf((row * Side) + column, picture.Orientation);
    }

    /// <summary>Width and height as viewers show them.</summary>
    public static (int Width, int Height) SizeOf(int width, int height, int orientation) => orientation >= 5 ? (height, width) : (width, height);

    private static int ThirdOf(double position, int length) => Math.Clamp((int)(position * Side / length), 0, Side - 1);

    /// <summary>By EXIF's orientations: 2 to 4 keep the axes, 5 to 8 exchange them.</summary>
    private static (int Column, int Row) Turn(int column, int row, int orientation)
    {
        var (left, up) = (Side - 1 - column, Side - 1 - row);
        return orientation switch
        {
            2 => (left, row),
            3 => (left, up),
            4 => (column, up),
            5 => (row, column),
            6 => (up, column),
            7 => (up, left),
            8 => (row, left),
            _ => (column, row),
        };
    }
}
