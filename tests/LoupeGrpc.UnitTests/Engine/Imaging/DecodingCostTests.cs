using System.IO.Compression;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Small files that would take long, or much memory, to decode are refused before they are.</summary>
public sealed class DecodingCostTests
{
    private static readonly EngineLimits _limits = new();

    [Theory]
    [InlineData(300)]
    [InlineData(1500)]
    public void Scans_of_a_progressive_jpeg_are_limited(int scans)
    {
        byte[] jpeg = WithScans(File.ReadAllBytes(TestData.Golden("preprocess", "progressive-320x240.jpg")), scans, progressive: true);

        var failure = Inspect(jpeg);

        int all = scans + 10;
        Assert.Equal(new FrameFailure(FailureKind.TooLarge, $"The JPEG has {all} scans; the limit is 100 (Loupe:Limits:MaxScans)."), failure);
        Assert.Null(Inspect(jpeg, _limits with { MaxScans = all }));
    }

    [Fact]
    public void Scans_of_a_jpeg_that_is_not_progressive_are_limited_too()
    {
        byte[] jpeg = WithScans(File.ReadAllBytes(TestData.Golden("preprocess", "420-321x241.jpg")), 200, progressive: false);

        Assert.Equal("The JPEG has 201 scans; the limit is 100 (Loupe:Limits:MaxScans).", Inspect(jpeg)?.Message);
    }

    [Fact]
    public void Scans_behind_a_marker_that_decoders_skip_are_counted()
    {
        // What looks like the length of the undefined marker FF 02 would hide them.
        byte[] jpeg = File.ReadAllBytes(TestData.Golden("preprocess", "progressive-320x240.jpg"));
        byte[] hidden = [.. jpeg[..^2], 0xFF, 0x02, 0x08, 0x00, .. WithScans(jpeg, 300, progressive: true).AsSpan(jpeg.Length - 2)];

        Assert.Contains("310 scans", Inspect(hidden)?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Scans_of_a_large_picture_are_limited_by_what_they_go_over()
    {
        // Three components, 90 scans, 10,000 by 10,000: each scan goes over 100 million samples.
        byte[] header = PictureFiles.JpegHeader(10_000, 10_000, startOfFrame: 0xC2);
        for (int component = 0; component < 3; component++)
        {
            header[^(9 - (3 * component))] = (byte)(component + 1);
            header[^(8 - (3 * component))] = 0x11;
        }

        byte[] jpeg = WithScans([.. header, 0xFF, 0xD9], 90, progressive: true);

        Assert.StartsWith("Decoding the JPEG of 10000x10000 pixels would go over 9000000000 samples; the limit is 3200000000, 32 times Loupe:Limits:MaxPixels.", Inspect(jpeg)?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Scans_of_a_tile_of_a_tiff_are_counted()
    {
        byte[] tile = WithScans(File.ReadAllBytes(TestData.Golden("preprocess", "progressive-320x240.jpg")), 300, progressive: true);
        var file = new TiffFile();
        file.Add().Picture(320, 240, file.Data(tile), (uint)tile.Length, photometric: 6, compression: 7);

        Assert.Equal("The TIFF has 310 scans; the limit is 100 (Loupe:Limits:MaxScans).", Inspect(file.Build())?.Message);
    }

    [Fact]
    public void More_compressed_data_than_a_png_can_have_are_a_defect()
    {
        byte[] png = Png(8, 8, Deflate(200 + (64 << 20), CompressionLevel.SmallestSize));

        Assert.Matches(@"^it has \d+ bytes of compressed data for 200 bytes of pixels$", Header(png).Defect);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Data_of_a_png_that_are_not_compressed_at_all_are_none(int width)
    {
        // One stored block a row, and a flush behind each.
        byte[] row = new byte[1 + (3 * width)];
        using var data = new MemoryStream();
        using (var deflate = new ZLibStream(data, CompressionLevel.NoCompression, leaveOpen: true))
        {
            for (int i = 0; i < 500; i++)
            {
                deflate.Write(row);
                deflate.Flush();
            }
        }

        byte[] png = Png((uint)width, 500, data.ToArray());
        Assert.Null(Header(png).Defect);
        Assert.True(PngInflation.Fits(png));
    }

    [Theory]
    [InlineData(1, 1, 8, 2)]
    [InlineData(5, 3, 1, 0)]
    [InlineData(8, 8, 16, 6)]
    [InlineData(100, 7, 4, 3)]
    public void Rows_of_an_interlaced_png_are_those_of_its_passes(uint width, uint height, byte depth, byte colorType)
    {
        // Counted pixel by pixel, as the specification draws them.
        int[,] passOf = { { 1, 6, 4, 6, 2, 6, 4, 6 }, { 7, 7, 7, 7, 7, 7, 7, 7 }, { 5, 6, 5, 6, 5, 6, 5, 6 }, { 7, 7, 7, 7, 7, 7, 7, 7 }, { 3, 6, 4, 6, 3, 6, 4, 6 }, { 7, 7, 7, 7, 7, 7, 7, 7 }, { 5, 6, 5, 6, 5, 6, 5, 6 }, { 7, 7, 7, 7, 7, 7, 7, 7 } };
        int bits = depth * colorType switch { 2 => 3, 6 => 4, _ => 1 };
        var rows = new Dictionary<(int Pass, int Row), int>();
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var key = (passOf[y % 8, x % 8], y);
                rows[key] = rows.GetValueOrDefault(key) + 1;
            }
        }

        byte[] header = PictureFiles.PngHeader(width, height, depth, colorType)[16..29];
        header[12] = 1;

        Assert.Equal(rows.Values.Sum(pixels => 1 + (((pixels * bits) + 7) / 8)), PngRows.Measure(header).Bytes);
        Assert.Equal(rows.Count, PngRows.Measure(header).Rows);
    }

    [Fact]
    public void Data_of_a_png_that_go_on_behind_its_rows_are_noticed()
    {
        // Few enough bytes for a picture of this size.
        byte[] png = Png(600, 600, Deflate((600 * 1801) + (200 << 20), CompressionLevel.SmallestSize));

        Assert.Null(Header(png).Defect);
        Assert.False(PngInflation.Fits(png));
        Assert.True(PngInflation.Fits(Png(600, 600, Deflate(600 * 1801, CompressionLevel.SmallestSize))));
    }

    [Fact]
    public void Tiles_that_share_their_bytes_are_a_defect()
    {
        var file = new TiffFile();
        byte[] data = new byte[500_000];
        uint offset = file.Data(data);
        Tiled(file.Add(), 8192, 8192, 256, offset, (uint)data.Length, compression: 8);

        Assert.StartsWith("its 1024 tiles share their bytes: they claim more than", Header(file.Build()).Defect, StringComparison.Ordinal);
    }

    [Fact]
    public void Strips_that_share_their_bytes_are_a_defect()
    {
        var file = new TiffFile();
        byte[] data = new byte[500_000];
        uint offset = file.Data(data);
        file.Add().Picture(1000, 1000, offset, 0, compression: 5).Longs(278, 1)
            .Longs(273, [.. Enumerable.Repeat(offset, 1000)]).Longs(279, [.. Enumerable.Repeat((uint)data.Length, 1000)]);

        Assert.StartsWith("its 1000 strips share their bytes", Header(file.Build()).Defect, StringComparison.Ordinal);
    }

    [Fact]
    public void Strips_whose_lengths_are_missing_are_a_defect()
    {
        var file = new TiffFile();
        var page = file.Add().Picture(1000, 1000, file.Data(new byte[1000]), 0, compression: 5).Longs(278, 1);
        page.Tags.Remove(279);

        Assert.Equal("it does not say where its 1000 strips are", Header(file.Build()).Defect);
    }

    [Theory]
    [InlineData(1, 1, 16_384, "its tiles (16384x16384 pixels) are far larger than the picture (1x1)")]
    [InlineData(4000, 4000, 30_000, "its tiles (30000x30000 pixels) are far larger than the picture (4000x4000)")]
    [InlineData(4000, 4000, 1, "16000000 tiles of 1x1 pixels make no sense for a picture of 4000x4000")]
    [InlineData(65_535, 1, 2048, "32 tiles of 2048x2048 pixels make no sense for a picture of 65535x1")]
    [InlineData(4000, 4000, 0, "its tiles have no pixels (0x0)")]
    public void Tiles_that_do_not_fit_the_picture_are_a_defect(uint width, uint height, uint side, string defect)
    {
        var file = new TiffFile();
        Tiled(file.Add(), width, height, side, file.Data(new byte[100]), 100, compression: 8);

        Assert.Equal(defect, Header(file.Build()).Defect);
    }

    [Theory]
    [InlineData(10, 10, 512)]
    [InlineData(1, 1, 16)]
    [InlineData(300, 9000, 1024)]
    [InlineData(8192, 8192, 256)]
    public void Tiles_that_honest_programs_write_are_none(uint width, uint height, uint side)
    {
        var file = new TiffFile();
        Tiled(file.Add(), width, height, side, file.Data(new byte[1 << 16]), 64, compression: 8);

        Assert.Null(Header(file.Build()).Defect);
        Assert.Null(Inspect(file.Build()));
    }

    [Fact]
    public void A_directory_of_too_many_entries_is_not_read()
    {
        byte[] tiff = new byte[1 << 20];
        "II*\0\x08\0\0\0\xff\xff"u8.CopyTo(tiff);

        Assert.Equal("The TIFF is truncated or damaged: its first directory cannot be read.", ImageSniffer.Sniff(tiff).Failure?.Message);
    }

    [Theory]
    [InlineData("420-321x241.jpg", 1)]
    [InlineData("progressive-320x240.jpg", 10)]
    [InlineData("cmyk-320x240.jpg", 1)]
    [InlineData("gray-320x240.jpg", 1)]
    public void Honest_jpegs_have_the_scans_that_they_have(string file, int scans)
    {
        var header = Header(File.ReadAllBytes(TestData.Golden("preprocess", file)));

        Assert.Equal(scans, header.Scans);
        Assert.InRange(header.CodedSamples, header.Width * header.Height, 32 * header.Width * header.Height);
        Assert.Null(header.Damage);
    }

    private static TiffFile.Page Tiled(TiffFile.Page page, uint width, uint height, uint side, uint offset, uint length, ushort compression)
    {
        int tiles = side < 16 ? 1 : (int)(((width + side - 1) / side) * ((height + side - 1) / side));
        page.Picture(width, height, 0, 0, compression: compression).Longs(322, side).Longs(323, side)
            .Longs(324, [.. Enumerable.Repeat(offset, tiles)]).Longs(325, [.. Enumerable.Repeat(length, tiles)]);
        page.Tags.Remove(273);
        page.Tags.Remove(278);
        page.Tags.Remove(279);
        return page;
    }

    /// <summary>Puts scans of the first component, without data, before the end of a JPEG.</summary>
    private static byte[] WithScans(byte[] jpeg, int scans, bool progressive)
    {
        byte[] scan = progressive ? [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0] : [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0];
        return [.. jpeg.AsSpan(0, jpeg.Length - 2), .. Enumerable.Repeat(scan, scans).SelectMany(static bytes => bytes), 0xFF, 0xD9];
    }

    private static byte[] Png(uint width, uint height, byte[] data) =>
        [.. PictureFiles.PngHeader(width, height), .. PictureFiles.PngChunk("IDAT", data), .. PictureFiles.PngChunk("IEND")];

    private static byte[] Deflate(int zeros, CompressionLevel level)
    {
        using var data = new MemoryStream();
        using (var deflate = new ZLibStream(data, level))
        {
            byte[] block = new byte[1 << 20];
            for (int left = zeros; left > 0; left -= block.Length)
            {
                deflate.Write(block.AsSpan(0, Math.Min(left, block.Length)));
            }
        }

        return data.ToArray();
    }

    private static FrameFailure? Inspect(byte[] file, EngineLimits? limits = null) => FrameInspector.Inspect(new EncodedInput(file), limits ?? _limits, out _);

    private static ImageHeader Header(byte[] file)
    {
        var sniffed = ImageSniffer.Sniff(file);
        Assert.Null(sniffed.Failure);
        return sniffed.Header;
    }
}
