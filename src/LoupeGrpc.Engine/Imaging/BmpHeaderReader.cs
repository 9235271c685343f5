using System.Buffers.Binary;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Windows bitmaps: the OS/2 header of 12 bytes and the Windows ones of 40 bytes and more.</summary>
internal static class BmpHeaderReader
{
    private const int FileHeaderLength = 14;
    private const int CoreHeaderLength = 12;
    private const int InfoHeaderLength = 40;
    private const int AlphaMaskOffset = 52;
    private const int Uncompressed = 0;
    private const int BitFields = 3;
    private const int AlphaBitFields = 6;

    /// <param name="data">Begins with <c>BM</c>.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        var view = new ByteView(data, littleEndian: true);
        if (!view.TryReadUInt32(10, out uint pixels) || !view.TryReadUInt32(FileHeaderLength, out uint headerLength))
        {
            return SniffResult.Invalid("The BMP is truncated: it ends inside its header.");
        }

        if (headerLength is not CoreHeaderLength and (< InfoHeaderLength or > 256))
        {
            return SniffResult.Invalid($"The BMP is damaged: its header claims to have {headerLength} bytes.");
        }

        if (!view.TrySlice(FileHeaderLength, headerLength, out var header))
        {
            return SniffResult.Invalid("The BMP is truncated: it ends inside its header.");
        }

        bool core = headerLength == CoreHeaderLength;
        long width = core ? BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) : BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        long height = core ? BinaryPrimitives.ReadUInt16LittleEndian(header[6..]) : BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(header[(core ? 10 : 14)..]);
        uint compression = core ? Uncompressed : BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);

        // A negative height means that the top row comes first.
        height = Math.Abs(height);
        if (width <= 0 || height == 0)
        {
            return SniffResult.Invalid($"The BMP is damaged: its header gives a size of {width}x{height} pixels.");
        }

        if (compression is 4 or 5)
        {
            return SniffResult.Unsupported("BMP that wraps a JPEG or a PNG");
        }

        if (bits is not (1 or 4 or 8 or 16 or 24 or 32) || compression is not (Uncompressed or 1 or 2 or BitFields or AlphaBitFields))
        {
            return SniffResult.Invalid($"The BMP is damaged: {bits} bits per pixel with compression {compression} do not exist.");
        }

        bool alphaMask = headerLength >= AlphaMaskOffset + sizeof(uint)
            && BinaryPrimitives.ReadUInt32LittleEndian(header[AlphaMaskOffset..]) != 0;
        long rowBytes = ((width * bits + 31) / 32) * 4;
        long end = pixels + rowBytes * height;
        bool runLengths = compression is 1 or 2;
        return new ImageHeader(ImageKind.Bmp, width, height)
        {
            // Samples are bytes or less; five or six bits of a 16-bit pixel are expanded, not reduced.
            BitDepth = 8,
            Color = bits <= 8 ? ColorModel.Palette : ColorModel.Rgb,
            HasAlpha = bits == 32 && compression is BitFields or AlphaBitFields && alphaMask,
            Defect = !runLengths && end > data.Length ? $"it is truncated: only {data.Length} of its {end} bytes are there" : null,
        };
    }
}
