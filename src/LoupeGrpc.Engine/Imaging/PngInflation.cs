using System.IO.Compression;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// Whether a PNG's data inflate to no more than its rows: libpng reads on behind the last row until the data end, which few bytes can delay for long. Costs as
/// much as inflating the rows, so it is for where nothing can end a decoder, and for pictures that keep one busy.
/// </summary>
internal static class PngInflation
{
    public const string TooMuch = "its compressed data go on after its last row";

    private const int BufferLength = 64 << 10;

    /// <param name="file">Sniffed, and without a defect. Data that do not inflate are for the decoder to refuse.</param>
    public static bool Fits(ReadOnlySpan<byte> file)
    {
        const int HeaderOffset = 16;
        long left = PngRows.Measure(file[HeaderOffset..]).Bytes;
        using var data = new MemoryStream(PngHeaderReader.CollectData(file), writable: false);
        using var inflated = new ZLibStream(data, CompressionMode.Decompress);
        byte[] buffer = new byte[BufferLength];
        try
        {
            while (left >= 0)
            {
                int read = inflated.Read(buffer);
                if (read == 0)
                {
                    return true;
                }

                left -= read;
            }

            return false;
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }
}
