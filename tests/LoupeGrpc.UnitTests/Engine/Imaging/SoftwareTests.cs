using System.Buffers.Binary;
using System.Text;
using LoupeGrpc.Engine.Imaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>The program that a file says it was written by.</summary>
public sealed class SoftwareTests
{
    private const int EntryLength = 12;

    public static TheoryData<string> Containers => ["jpeg", "png", "webp", "webp-prefixed"];

    private static string? Software(byte[] file) => ImageSniffer.Sniff(file).Header.Software;

    /// <summary>A directory with one entry.</summary>
    private static byte[] Exif(byte[] text, ushort tag = 0x0131, ushort type = 2, uint? offset = null)
    {
        byte[] exif = new byte[26 + text.Length];
        "II*\0"u8.CopyTo(exif);
        exif[4] = 8;
        exif[8] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(10), tag);
        BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(12), type);
        BinaryPrimitives.WriteUInt32LittleEndian(exif.AsSpan(14), (uint)text.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(exif.AsSpan(18), offset ?? 26);
        text.CopyTo(exif, 26);
        return exif;
    }

    private static byte[] Picture(string container, byte[] exif)
    {
        byte[] prefixed = [.. "Exif\0\0"u8, .. exif];
        return container switch
        {
            "jpeg" => PictureFiles.JpegHeader(5, 4, before: [0xFF, 0xE1, (byte)((prefixed.Length + 2) >> 8), (byte)(prefixed.Length + 2), .. prefixed]),
            "png" => [.. PictureFiles.PngHeader(7, 9), .. PictureFiles.PngChunk("eXIf", exif), .. PictureFiles.PngChunk("IDAT"), .. PictureFiles.PngChunk("IEND")],
            "webp" => PictureFiles.WebP(PictureFiles.WebPCanvas(16, 30, flags: 0), PictureFiles.WebPChunk("EXIF", exif)),
            _ => PictureFiles.WebP(PictureFiles.WebPCanvas(16, 30, flags: 0), PictureFiles.WebPChunk("EXIF", prefixed)),
        };
    }

    [Theory]
    [MemberData(nameof(Containers))]
    public void It_is_told_as_the_file_has_it(string container)
    {
        Assert.Equal("Adobe Photoshop 25.0 (Windows)", Software(Picture(container, Exif("Adobe Photoshop 25.0 (Windows)\0rest"u8.ToArray()))));
        Assert.Null(Software(Picture(container, Exif("Canon\0"u8.ToArray(), tag: 0x010F))));
    }

    [Fact]
    public void It_is_told_of_TIFF()
    {
        var file = PictureFiles.Tiff(2, 1, 8, 1, 1, new byte[2]);
        Assert.Null(Software(file));

        // In place of the last entry, which says what is so without it.
        int entry = file.Length - 4 - EntryLength;
        byte[] software = [0x31, 0x01, 2, 0, 4, 0, 0, 0, .. "GMP\0"u8];
        software.CopyTo(file, entry);
        Assert.Equal("GMP", Software(file));
    }

    [Fact]
    public void What_is_not_fit_to_be_shown_is_left_out()
    {
        Assert.Equal("a[2Jb", Software(Picture("jpeg", Exif("a\u001b[2Jb\r\n\0"u8.ToArray()))));
        Assert.Null(Software(Picture("jpeg", Exif("\0\0\0\0\0\0"u8.ToArray()))));
        Assert.Null(Software(Picture("jpeg", Exif("    \n "u8.ToArray()))));

        // Latin-1, where UTF-8 is meant.
        Assert.Equal("caf", Software(Picture("jpeg", Exif([.. "caf"u8, 0xE9, 0]))));
        var cut = Software(Picture("jpeg", Exif(Encoding.UTF8.GetBytes(new string('x', 5000)))))!;
        Assert.EndsWith("x…", cut, StringComparison.Ordinal);
        Assert.Equal(160, Encoding.UTF8.GetByteCount(cut));
    }

    [Fact]
    public void Where_it_cannot_be_read_it_is_not_said()
    {
        Assert.Null(Software(Picture("jpeg", Exif("GIMP 2.10\0"u8.ToArray(), type: 7))));
        Assert.Null(Software(Picture("jpeg", Exif("GIMP 2.10\0"u8.ToArray(), offset: uint.MaxValue))));
        Assert.Null(Software(Picture("jpeg", Exif("GIMP 2.10\0"u8.ToArray(), offset: 27))));
    }
}
