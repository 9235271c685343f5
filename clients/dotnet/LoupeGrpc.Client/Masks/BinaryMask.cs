namespace LoupeGrpc.Client.Masks;

/// <summary>A mask as pixels.</summary>
public sealed class BinaryMask
{
    /// <summary>Value of forged pixels; the others are 0.</summary>
    public const byte Forged = 255;

    internal BinaryMask(int height, int width, byte[] pixels)
    {
        Height = height;
        Width = width;
        Pixels = pixels;
    }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Row by row without padding, <see cref="Forged"/> or 0. Owned by the caller.</summary>
    public byte[] Pixels { get; }

    /// <summary>A mask without a forged pixel.</summary>
    public static BinaryMask Empty(int height, int width) => new(height, width, new byte[checked(height * width)]);
}
