using System.Buffers.Binary;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>WebP (RFC 9649): simple lossy and lossless files, the extended form with alpha, EXIF and animation.</summary>
internal static class WebPHeaderReader
{
    private const int RiffHeaderLength = 12;
    private const int ChunkHeaderLength = 8;
    private const byte AlphaFlag = 0x10;
    private const byte AnimationFlag = 0x02;

    /// <param name="data">Begins with <c>RIFF</c>, four bytes of size and <c>WEBP</c>.</param>
    public static SniffResult Read(ReadOnlySpan<byte> data)
    {
        var view = new ByteView(data, littleEndian: true);
        if (!view.TrySlice(RiffHeaderLength, ChunkHeaderLength, out var first))
        {
            return SniffResult.Invalid("The WebP is truncated: it ends before its first chunk.");
        }

        var name = first[..4];
        long content = RiffHeaderLength + ChunkHeaderLength;
        SniffResult result =
            name.SequenceEqual("VP8 "u8) ? ReadLossy(view, content)
            : name.SequenceEqual("VP8L"u8) ? ReadLossless(view, content)
            : name.SequenceEqual("VP8X"u8) ? ReadExtended(view, content)
            : SniffResult.Invalid("The WebP is damaged: its first chunk is not VP8, VP8L or VP8X.");
        if (result.Failure is not null)
        {
            return result;
        }

        _ = view.TryReadUInt32(4, out uint riffLength);
        long expected = 8 + (long)riffLength;
        return expected > data.Length
            ? result.Header with { Defect = $"it is truncated: only {data.Length} of its {expected} bytes are there" }
            : result;
    }

    private static SniffResult ReadLossy(ByteView view, long content)
    {
        if (!view.TrySlice(content, 10, out var frame))
        {
            return SniffResult.Invalid("The WebP is truncated: it ends inside its VP8 header.");
        }

        if (!frame[3..6].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A]))
        {
            return SniffResult.Invalid("The WebP is damaged: its VP8 data do not begin with a key frame.");
        }

        // The two upper bits of each are a scale for display.
        int width = BinaryPrimitives.ReadUInt16LittleEndian(frame[6..]) & 0x3FFF;
        int height = BinaryPrimitives.ReadUInt16LittleEndian(frame[8..]) & 0x3FFF;
        return width == 0 || height == 0
            ? SniffResult.Invalid($"The WebP is damaged: its header gives a size of {width}x{height} pixels.")
            : new ImageHeader(ImageKind.WebP, width, height) { Color = ColorModel.YCbCr };
    }

    private static SniffResult ReadLossless(ByteView view, long content)
    {
        if (!view.TrySlice(content, 5, out var frame))
        {
            return SniffResult.Invalid("The WebP is truncated: it ends inside its VP8L header.");
        }

        if (frame[0] != 0x2F)
        {
            return SniffResult.Invalid("The WebP is damaged: its VP8L data do not begin with their signature.");
        }

        uint bits = BinaryPrimitives.ReadUInt32LittleEndian(frame[1..]);
        return new ImageHeader(ImageKind.WebP, (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
        {
            HasAlpha = (bits >> 28 & 1) != 0,
        };
    }

    private static SniffResult ReadExtended(ByteView view, long content)
    {
        if (!view.TrySlice(content, 10, out var canvas))
        {
            return SniffResult.Invalid("The WebP is truncated: it ends inside its VP8X header.");
        }

        var header = new ImageHeader(ImageKind.WebP, ReadUInt24(canvas[4..]) + 1, ReadUInt24(canvas[7..]) + 1)
        {
            HasAlpha = (canvas[0] & AlphaFlag) != 0,
        };
        bool animated = (canvas[0] & AnimationFlag) != 0;
        int frames = 0;
        for (long position = RiffHeaderLength; view.TryReadUInt32(position + 4, out uint length);)
        {
            _ = view.TrySlice(position, 4, out var name);
            if (animated && name.SequenceEqual("ANMF"u8))
            {
                frames++;
            }
            else if (name.SequenceEqual("EXIF"u8) && view.TrySlice(position + ChunkHeaderLength, length, out var exif))
            {
                // Some writers keep JPEG's prefix.
                var directory = exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif;
                header = header with { Orientation = TiffDirectory.OrientationOfExif(directory), Software = TiffDirectory.SoftwareOfExif(directory) };
            }

            position += ChunkHeaderLength + (long)length + (length & 1);
        }

        return header with { Frames = Math.Max(1, frames) };
    }

    private static int ReadUInt24(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
