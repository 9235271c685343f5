using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Held against libjpeg, by OpenCV.</summary>
public sealed class JpegTableFactsTests
{
    private static readonly byte[] Colour = [0x01, 0x11, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11, 0x01];

    public static TheoryData<int> Qualities => [.. Enumerable.Range(1, 100)];

    private static (JpegTables, int) Judge(byte[] file)
    {
        var header = ImageSniffer.Sniff(file).Header;
        return (header.JpegTables, header.JpegTableQuality);
    }

    private static byte[] Save(MatType type, params int[] parameters)
    {
        using var picture = new Mat(16, 16, type, new Scalar(20, 120, 220));
        Cv2.ImEncode(".jpg", picture, out var file, parameters);
        return file;
    }

    [Theory]
    [MemberData(nameof(Qualities))]
    public void Tables_of_libjpeg_are_known_with_their_quality(int quality)
    {
        Assert.Equal((JpegTables.Libjpeg, quality), Judge(Save(MatType.CV_8UC3, (int)ImwriteFlags.JpegQuality, quality)));
        Assert.Equal((JpegTables.Libjpeg, quality), Judge(Save(MatType.CV_8UC1, (int)ImwriteFlags.JpegQuality, quality)));
        Assert.Equal((JpegTables.Libjpeg, quality), Judge(Save(MatType.CV_8UC3, (int)ImwriteFlags.JpegQuality, quality, (int)ImwriteFlags.JpegProgressive, 1)));
    }

    [Fact]
    public void Tables_of_two_qualities_are_others() => Assert.Equal(
        (JpegTables.Other, 0),
        Judge(Save(MatType.CV_8UC3, (int)ImwriteFlags.JpegQuality, 80, (int)ImwriteFlags.JpegLumaQuality, 80, (int)ImwriteFlags.JpegChromaQuality, 50)));

    /// <summary>By ffmpeg, whose encoder is its own.</summary>
    [Fact]
    public void Tables_of_other_programs_are_others() => Assert.Equal((JpegTables.Other, 0), Judge(File.ReadAllBytes(TestData.Golden("provenance", "plain.jpg"))));

    [Fact]
    public void One_value_makes_the_difference()
    {
        var file = Save(MatType.CV_8UC3, (int)ImwriteFlags.JpegQuality, 75);
        file[file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDB]) + 20]++;
        Assert.Equal((JpegTables.Other, 0), Judge(file));
    }

    [Fact]
    public void Tables_that_are_not_there_are_not_known()
    {
        byte[] table = [0xFF, 0xDB, 0, 67, 0, .. new byte[64]];
        Assert.Equal((JpegTables.Unknown, 0), Judge(PictureFiles.JpegHeader(5, 4)));
        Assert.Equal((JpegTables.Unknown, 0), Judge(WithComponents(table)));
        Assert.Equal((JpegTables.Unknown, 0), Judge(WithComponents([0xFF, 0xDB, 0, 66, 0, .. new byte[63]])));
        Assert.Equal((JpegTables.Unknown, 0), Judge(WithComponents([0xFF, 0xDB, 0, 67, 9, .. new byte[64]])));
        Assert.Equal((JpegTables.Other, 0), Judge(WithComponents([.. table, 0xFF, 0xDB, 0, 67, 1, .. new byte[64]])));
    }

    /// <summary>Words in place of bytes may exceed 255, as libjpeg writes low qualities where it is not held to the baseline.</summary>
    [Fact]
    public void Tables_of_two_bytes_go_beyond_255()
    {
        // Of quality 50 the tables are those that all are scaled from, in the order of the file.
        var file = Save(MatType.CV_8UC3, (int)ImwriteFlags.JpegQuality, 50);
        int first = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDB]);
        int second = first + 2 + file.AsSpan(first + 2).IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDB]);
        byte[] Wide(byte number, ReadOnlySpan<byte> standard)
        {
            List<byte> table = [0xFF, 0xDB, 0, 131, (byte)(0x10 | number)];
            foreach (byte value in standard)
            {
                int scaled = value * 10;
                table.AddRange([(byte)(scaled >> 8), (byte)scaled]);
            }

            return [.. table];
        }

        byte[] tables = [.. Wide(0, file.AsSpan(first + 5, 64)), .. Wide(1, file.AsSpan(second + 5, 64))];
        Assert.Equal((JpegTables.Libjpeg, 5), Judge(WithComponents(tables)));
    }

    /// <summary>A header of three components, of which the others use table 1.</summary>
    private static byte[] WithComponents(byte[] tables)
    {
        var file = PictureFiles.JpegHeader(5, 4, before: tables);
        Colour.CopyTo(file, file.Length - Colour.Length);
        return file;
    }
}
