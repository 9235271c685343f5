using System.Buffers.Binary;

namespace LoupeGrpc.Client.Cli.Files;

/// <summary>
/// Tells pictures from other files by their first bytes, those of kinds that no server decodes among them: the server names the kind when it refuses
/// one, and nobody takes a folder of them for empty.
/// </summary>
internal static class PictureKind
{
    /// <summary>As many bytes as <see cref="IsPicture(ReadOnlySpan{byte})"/> looks at.</summary>
    public const int HeadBytes = 32;

    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".heic", ".heif", ".avif",
    };

    /// <summary>Sizes of the header behind that of a BMP: two letters alone would make pictures of texts.</summary>
    private static readonly uint[] BitmapHeaders = [12, 16, 40, 52, 56, 64, 108, 124];

    /// <summary>
    /// Whether a name says that the file is meant to be a picture. Such a file is sent whatever is in it: an empty or damaged one must have its row.
    /// </summary>
    public static bool IsNamedLikePicture(ReadOnlySpan<char> path) =>
        Extensions.GetAlternateLookup<ReadOnlySpan<char>>().Contains(Path.GetExtension(path));

    /// <param name="animations">Whether kinds count that are played like a video.</param>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: the file is no regular one, or cannot be read.</exception>
    public static bool IsPicture(string path, bool animations = true)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        using var file = RegularFile.Open(path);
        var read = head[..file.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false)];
        return IsPicture(read) && (animations || !IsGif(read));
    }

    /// <param name="head">The first <see cref="HeadBytes"/> bytes of a file, or all of a shorter one.</param>
    public static bool IsPicture(ReadOnlySpan<byte> head) =>
        // JPEG, PNG.
        head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])
        || head.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A])
        || IsGif(head)
        || (head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..12].SequenceEqual("WEBP"u8))
        || IsBitmap(head)
        || IsTiff(head)
        || IsIsoMedia(head)
        || IsOther(head);

    private static bool IsGif(ReadOnlySpan<byte> head) => head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8);

    private static bool IsBitmap(ReadOnlySpan<byte> head) =>
        head.Length >= 18 && head.StartsWith("BM"u8) && BitmapHeaders.Contains(BinaryPrimitives.ReadUInt32LittleEndian(head[14..]));

    /// <summary>TIFF, BigTIFF and the raw formats of cameras that are TIFF with another number.</summary>
    private static bool IsTiff(ReadOnlySpan<byte> head) =>
        head.StartsWith("II*\0"u8) || head.StartsWith("MM\0*"u8) || head.StartsWith("II+\0"u8) || head.StartsWith("MM\0+"u8)
        || head.StartsWith("IIU\0"u8) || head.StartsWith("IIRO"u8) || head.StartsWith("IIRS"u8) || head.StartsWith("MMOR"u8);

    /// <summary>HEIF, AVIF, JPEG 2000, JPEG XL and Canon's raw format, but not the videos of the same container.</summary>
    private static bool IsIsoMedia(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("\0\0\0\x0cjP  \r\n"u8) || head.StartsWith("\0\0\0\x0cJXL \r\n"u8))
        {
            return true;
        }

        if (head.Length < 12 || !head[4..8].SequenceEqual("ftyp"u8))
        {
            return false;
        }

        var brand = head[8..12];
        return brand.StartsWith("hei"u8) || brand.StartsWith("hev"u8) || brand.StartsWith("avi"u8) || brand.SequenceEqual("mif1"u8)
            || brand.SequenceEqual("msf1"u8) || brand.SequenceEqual("crx "u8);
    }

    /// <summary>Photoshop, JPEG 2000 and JPEG XL without a container, OpenEXR, Radiance, QOI, further raw formats, Netpbm.</summary>
    private static bool IsOther(ReadOnlySpan<byte> head) =>
        head.StartsWith("8BPS"u8)
        || head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51])
        || head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A])
        || head.StartsWith((ReadOnlySpan<byte>)[0x76, 0x2F, 0x31, 0x01])
        || head.StartsWith("#?RADIANCE"u8)
        || head.StartsWith("#?RGBE"u8)
        || head.StartsWith("qoif"u8)
        || head.StartsWith("FUJIFILMCCD-RAW"u8)
        || head.StartsWith("FOVb"u8)
        || head.StartsWith("\0MRM"u8)
        || (head.Length >= 4 && head[0] == 'P' && head[1] is >= (byte)'1' and <= (byte)'7'
            && head[2] is (byte)'\n' or (byte)'\r' or (byte)' ' && head[3] is (byte)'#' or >= (byte)'0' and <= (byte)'9' or (byte)'W');
}
