using System.Buffers.Binary;
using LoupeGrpc.Reporting;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class PictureOrientationTests
{
    /// <summary>Where the first of two pixels side by side (1, 2) and the one below it (3) are seen, for each orientation of EXIF.</summary>
    public static TheoryData<int, string> Views => new()
    {
        { 1, "12 34" }, { 2, "21 43" }, { 3, "43 21" }, { 4, "34 12" }, { 5, "13 24" }, { 6, "31 42" }, { 7, "42 31" }, { 8, "24 13" }, { 0, "12 34" }, { 9, "12 34" },
    };

    [Theory]
    [MemberData(nameof(Views))]
    public void A_picture_is_turned_as_viewers_turn_it(int orientation, string expected)
    {
        using var stored = Mat.FromPixelData(2, 2, MatType.CV_8UC1, new byte[] { 1, 2, 3, 4 });

        using var upright = PictureOrientation.Upright(stored, orientation);

        Assert.True(upright.GetArray(out byte[] seen));
        Assert.Equal(expected, $"{seen[0]}{seen[1]} {seen[2]}{seen[3]}");
    }

    [Theory]
    [InlineData(6, true)]
    [InlineData(8, false)]
    public void OpenCv_turns_a_jpeg_in_the_same_way(int orientation, bool littleEndian)
    {
        using var picture = new Mat(64, 96, MatType.CV_8UC3, new Scalar(200, 60, 20));
        picture[new Rect(0, 0, 32, 32)].SetTo(new Scalar(10, 20, 250));
        var file = Jpeg(picture.ImEncode(".jpg"), Exif(orientation, littleEndian));

        Assert.Equal(orientation, PictureOrientation.Of(file));

        using var stored = Cv2.ImDecode(file, ImreadModes.Color | ImreadModes.IgnoreOrientation);
        using var expected = Cv2.ImDecode(file, ImreadModes.Color);
        using var upright = PictureOrientation.Upright(stored, orientation);
        Assert.Equal(new Size(64, 96), upright.Size());
        Assert.Equal(0, Cv2.Norm(expected, upright));
    }

    [Theory]
    [InlineData("png")]
    [InlineData("webp")]
    [InlineData("webp with the prefix of JPEG")]
    public void Other_kinds_say_it_too(string kind)
    {
        var exif = Exif(3, littleEndian: true);
        byte[] file = kind switch
        {
            "png" => [0x89, .. "PNG\r\n\x1a\n"u8, 0, 0, 0, 3, .. "tEXt"u8, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, (byte)exif.Length, .. "eXIf"u8, .. exif, 0, 0, 0, 0],
            "webp" => [.. "RIFF\0\0\0\0WEBPVP8 \x03\0\0\0"u8, 1, 2, 3, 0, .. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif],
            _ => [.. "RIFF\0\0\0\0WEBPEXIF"u8, (byte)(exif.Length + 6), 0, 0, 0, .. "Exif\0\0"u8, .. exif],
        };

        Assert.Equal(3, PictureOrientation.Of(file));
        Assert.Equal(1, PictureOrientation.Of(PictureOrientation.Cleared(file)));
    }

    [Fact]
    public void A_tiff_is_decoded_as_it_is_stored()
    {
        using var picture = new Mat(4, 6, MatType.CV_8UC3, new Scalar(200, 60, 20));
        picture[new Rect(0, 0, 2, 2)].SetTo(new Scalar(10, 20, 250));
        // OpenCV writes no orientation: the tag takes the place of one that only describes the file.
        var file = picture.ImEncode(".tiff", [new ImageEncodingParam(ImwriteFlags.TiffCompression, 1)]);
        var directory = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4));
        var entries = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(directory));
        var place = Enumerable.Range(0, entries).Select(i => directory + 2 + (12 * i))
            .First(at => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at)) is 0x11C or 0x112 or 0x153 or 0x13D);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(place), 0x112);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(place + 2), 3);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(place + 4), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(place + 8), 3);

        Assert.Equal(3, PictureOrientation.Of(file));
        using var stored = Cv2.ImDecode(PictureOrientation.Cleared(file), ImreadModes.Color | ImreadModes.IgnoreOrientation);

        Assert.Equal(0, Cv2.Norm(picture, stored));
    }

    [Fact]
    public void Files_that_are_cut_off_or_lie_ask_for_nothing()
    {
        var file = Jpeg([0xFF, 0xD8, 0xFF, 0xD9], Exif(6, littleEndian: true));
        for (var length = 0; length < file.Length; length++)
        {
            Assert.InRange(PictureOrientation.Of(file.AsSpan(0, length)), 1, 6);
        }

        var random = new Random(3);
        for (var i = 0; i < 20_000; i++)
        {
            var damaged = (byte[])file.Clone();
            for (var j = 0; j < 3; j++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            Assert.InRange(PictureOrientation.Of(damaged), 1, 8);
            PictureOrientation.Cleared(damaged);
        }

        Assert.Equal(1, PictureOrientation.Of(Jpeg([0xFF, 0xD8], Exif(9, littleEndian: true))));
    }

    private static byte[] Jpeg(byte[] file, byte[] exif) =>
        [.. file[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 8), .. "Exif\0\0"u8, .. exif, .. file[2..]];

    /// <summary>A TIFF structure with one directory of two entries.</summary>
    private static byte[] Exif(int orientation, bool littleEndian)
    {
        var exif = new byte[8 + 2 + 24 + 4];
        (littleEndian ? "II"u8 : "MM"u8).CopyTo(exif);
        Put16(2, 42);
        Put32(4, 8);
        Put16(8, 2);
        Entry(10, 0x010F, 2, 1);
        Entry(22, 0x0112, 1, (ushort)orientation);
        return exif;

        void Entry(int at, ushort tag, uint count, ushort value)
        {
            Put16(at, tag);
            Put16(at + 2, 3);
            Put32(at + 4, count);
            Put16(at + 8, value);
        }

        void Put16(int at, ushort value)
        {
            if (littleEndian)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(exif.AsSpan(at), value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(exif.AsSpan(at), value);
            }
        }

        void Put32(int at, uint value)
        {
            if (littleEndian)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(exif.AsSpan(at), value);
            }
            else
            {
                BinaryPrimitives.WriteUInt32BigEndian(exif.AsSpan(at), value);
            }
        }
    }
}
