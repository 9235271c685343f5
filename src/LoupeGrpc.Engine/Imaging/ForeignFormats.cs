namespace LoupeGrpc.Engine.Imaging;

/// <summary>Recognises files that are no picture we decode, so that the refusal can name them.</summary>
internal static class ForeignFormats
{
    public const string Accepted = "accepted are JPEG, PNG, WebP, BMP and TIFF";

    /// <summary>The kind for people, or null where the bytes are nothing we know.</summary>
    public static string? NameOf(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith("GIF87a"u8) || data.StartsWith("GIF89a"u8))
        {
            return "GIF";
        }

        if (data.Length >= 12 && data[4..8].SequenceEqual("ftyp"u8))
        {
            return NameOfBrand(data[8..12]);
        }

        if (data.StartsWith("\0\0\0\x0cjP  \r\n"u8) || data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
        {
            return "JPEG 2000";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) || data.StartsWith("\0\0\0\x0cJXL \r\n"u8))
        {
            return "JPEG XL";
        }

        if (data.StartsWith("RIFF"u8) && data.Length >= 12)
        {
            return data[8..12].SequenceEqual("AVI "u8) ? "AVI video" : data[8..12].SequenceEqual("WAVE"u8) ? "WAV audio" : null;
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0x1A, 0x45, 0xDF, 0xA3]))
        {
            return "Matroska or WebM video";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0xBA]) || data.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0xB3]))
        {
            return "MPEG video";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0]))
        {
            return "ICO";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0x76, 0x2F, 0x31, 0x01]))
        {
            return "OpenEXR";
        }

        if (data.StartsWith("#?RADIANCE"u8) || data.StartsWith("#?RGBE"u8))
        {
            return "Radiance HDR";
        }

        if (data.StartsWith("%PDF-"u8))
        {
            return "PDF";
        }

        if (data.StartsWith("8BPS"u8))
        {
            return "Photoshop PSD";
        }

        if (data.StartsWith("II*\0\x10\0\0\0CR"u8))
        {
            return "Canon raw";
        }

        if (data.Length >= 3 && data[0] == 'P' && data[1] is >= (byte)'1' and <= (byte)'7' && data[2] is (byte)'\n' or (byte)' ' or (byte)'\r')
        {
            return "Netpbm";
        }

        if (data.StartsWith("<svg"u8) || data.StartsWith("<?xml"u8))
        {
            return "SVG or other XML";
        }

        if (data.StartsWith("PK\x03\x04"u8))
        {
            return "ZIP archive";
        }

        return null;
    }

    private static string NameOfBrand(ReadOnlySpan<byte> brand)
    {
        if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8))
        {
            return "AVIF";
        }

        if (brand[..3].SequenceEqual("hei"u8) || brand[..3].SequenceEqual("hev"u8) || brand.SequenceEqual("mif1"u8) || brand.SequenceEqual("msf1"u8))
        {
            return "HEIF";
        }

        return brand[..3].SequenceEqual("crx"u8) ? "Canon raw" : "MP4 or QuickTime video";
    }
}
