namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// Reads what a picture file says about itself, without decoding a pixel. The bytes are hostile until shown otherwise:
/// every offset and length that they give is checked, work is linear in their number.
/// </summary>
internal static class ImageSniffer
{
    public static SniffResult Sniff(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return SniffResult.Invalid("The frame is empty.");
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            return JpegHeaderReader.Read(data);
        }

        if (data.StartsWith(PngHeaderReader.Signature))
        {
            return PngHeaderReader.Read(data);
        }

        if (data.Length >= 12 && data.StartsWith("RIFF"u8) && data[8..12].SequenceEqual("WEBP"u8))
        {
            return WebPHeaderReader.Read(data);
        }

        if (HeifFiles.Read(data) is { } heif)
        {
            return heif;
        }

        if (ForeignFormats.Refuse(data) is { } foreign)
        {
            return foreign;
        }

        if (data.StartsWith("II*\0"u8) || data.StartsWith("MM\0*"u8))
        {
            return TiffHeaderReader.Read(data);
        }

        if (data.StartsWith("II+\0"u8) || data.StartsWith("MM\0+"u8))
        {
            return SniffResult.Unsupported("BigTIFF");
        }

        if (data.StartsWith("BM"u8))
        {
            return BmpHeaderReader.Read(data);
        }

        return SniffResult.Invalid($"The frame's {data.Length} bytes are not a picture; send {ForeignFormats.Accepted}.");
    }
}
