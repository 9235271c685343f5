namespace LoupeGrpc.Engine.Imaging;

/// <summary>Recognises files that are no picture we decode, so that the refusal can name them.</summary>
internal static class ForeignFormats
{
    public const string Accepted = "JPEG, PNG, WebP, BMP or TIFF";

    private const int FileTypeHeader = 16;

    /// <summary>Of which more than the name can be said; null where the bytes are nothing of the kind.</summary>
    public static SniffResult? Refuse(ReadOnlySpan<byte> data)
    {
        if (RawNameOf(data) is { } raw)
        {
            return CameraRaw.Refuse(raw, preview: null);
        }

        if (NameOf(data) is { } name)
        {
            return SniffResult.Unsupported(name);
        }

        return null;
    }

    /// <summary>Raw files that have signatures of their own; those that look like any TIFF are told by their directories.</summary>
    private static string? RawNameOf(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith("II*\0\x10\0\0\0CR"u8))
        {
            return "Canon raw (CR2)";
        }

        if (data.StartsWith("II\x1a\0"u8) && data.Length >= 14 && data[6..].StartsWith("HEAPCCDR"u8))
        {
            return "Canon raw (CRW)";
        }

        if (data.Length >= 12 && data[4..8].SequenceEqual("ftyp"u8) && data[8..11].SequenceEqual("crx"u8))
        {
            return "Canon raw (CR3)";
        }

        if (data.StartsWith("FUJIFILMCCD-RAW"u8))
        {
            return "Fujifilm raw (RAF)";
        }

        if (data.StartsWith("IIRO"u8) || data.StartsWith("IIRS"u8) || data.StartsWith("MMOR"u8))
        {
            return "Olympus raw (ORF)";
        }

        if (data.StartsWith("IIU\0"u8))
        {
            return "Panasonic raw (RW2)";
        }

        if (data.StartsWith("FOVb"u8))
        {
            return "Sigma raw (X3F)";
        }

        if (data.StartsWith("\0MRM"u8))
        {
            return "Minolta raw (MRW)";
        }

        return data.Length >= 12 && data.StartsWith("II*\0"u8) && data[8..12].SequenceEqual("IIII"u8) ? "Phase One raw (IIQ)" : null;
    }

    /// <summary>The kind for people, or null where the bytes are nothing we know.</summary>
    private static string? NameOf(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith("GIF87a"u8) || data.StartsWith("GIF89a"u8))
        {
            return "GIF";
        }

        if (data.Length >= 12 && data[4..8].SequenceEqual("ftyp"u8))
        {
            return NameOfBrands(data);
        }

        if (data.StartsWith("\0\0\0\x0cjP  \r\n"u8) || data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
        {
            return "JPEG 2000";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) || data.StartsWith("\0\0\0\x0cJXL \r\n"u8))
        {
            return "JPEG XL";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[(byte)'I', (byte)'I', 0xBC]))
        {
            return "JPEG XR";
        }

        if (data.StartsWith("8BPS"u8))
        {
            return data.Length > 5 && data[5] == 2 ? "Photoshop PSB" : "Photoshop PSD";
        }

        if (data.StartsWith("gimp xcf"u8))
        {
            return "GIMP XCF";
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

        if (data.StartsWith("SDPX"u8) || data.StartsWith("XPDS"u8))
        {
            return "DPX";
        }

        if (data.StartsWith("DDS "u8))
        {
            return "DirectDraw surface";
        }

        if (data.StartsWith("qoif"u8))
        {
            return "QOI";
        }

        if (data.StartsWith((ReadOnlySpan<byte>)[(byte)'B', (byte)'P', (byte)'G', 0xFB]))
        {
            return "BPG";
        }

        if (data.Length >= 132 && data[128..132].SequenceEqual("DICM"u8))
        {
            return "DICOM";
        }

        if (data.StartsWith("%PDF-"u8))
        {
            return "PDF";
        }

        if (data.StartsWith("%!PS"u8))
        {
            return "PostScript";
        }

        if (data.Length >= 3 && data[0] == 'P' && data[1] is >= (byte)'1' and <= (byte)'7' && data[2] is (byte)'\n' or (byte)' ' or (byte)'\r')
        {
            return "Netpbm";
        }

        if (data.StartsWith("PK\x03\x04"u8))
        {
            return "ZIP archive";
        }

        return data.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) ? "gzip archive" : NameOfMarkup(data);
    }

    private static string? NameOfMarkup(ReadOnlySpan<byte> data)
    {
        var text = data.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? data[3..] : data;
        text = text.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("<svg"u8) || text.StartsWith("<?xml"u8))
        {
            return "SVG or other XML";
        }

        // What a web server says instead of sending the picture.
        return StartsWithIgnoringCase(text, "<!doctype html"u8) || StartsWithIgnoringCase(text, "<html"u8) ? "HTML page" : null;
    }

    private static bool StartsWithIgnoringCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> begin) =>
        text.Length >= begin.Length && System.Text.Ascii.EqualsIgnoreCase(text[..begin.Length], begin);

    /// <summary>Of the file type box of ISO/IEC 14496-12: the major brand, then those the file is compatible with.</summary>
    private static string NameOfBrands(ReadOnlySpan<byte> data)
    {
        int length = (int)Math.Min((uint)data.Length, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(data));
        bool isStill = false;
        for (int position = 8; position + 4 <= Math.Max(length, 12); position += position == 8 ? FileTypeHeader - 8 : 4)
        {
            var brand = data.Slice(position, 4);
            if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8))
            {
                return "AVIF";
            }

            if (brand[..3].SequenceEqual("hei"u8) || brand[..3].SequenceEqual("hev"u8))
            {
                return "HEIC (HEIF)";
            }

            isStill |= brand.SequenceEqual("mif1"u8) || brand.SequenceEqual("msf1"u8) || brand.SequenceEqual("miaf"u8);
        }

        return isStill ? "HEIF" : "MP4 or QuickTime video";
    }
}
