using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Damage that decoders forgive is noticed, in both places where they run.</summary>
public abstract class DamageTests : IDisposable
{
    private readonly IPictureCodec _codec;

    private protected DamageTests(IPictureCodec codec)
    {
        OpenCv.Initialize();
        _codec = codec;
    }

    public void Dispose()
    {
        _codec.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("jpeg-cut-with-eoi.jpg", "Corrupt JPEG data: premature end of data segment")]
    [InlineData("jpeg-hole-1k.jpg", "Corrupt JPEG data: 114 extraneous bytes before marker 0xd9")]
    [InlineData("jpeg-progressive-30pct-with-eoi.jpg", "its last scans are missing: the picture is there in less than its full quality")]
    public void Damaged_jpegs_are_decoded_and_said_to_be_damaged(string file, string damage)
    {
        string? found = DamageOf(Faults.Read(file));

        Assert.Contains(damage, found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jpeg-whole.jpg")]
    [InlineData("mpo-two-pictures.jpg")]
    public void Whole_jpegs_are_not(string file) => Assert.Null(DamageOf(Faults.Read(file)));

    [Fact]
    public void A_cut_progressive_jpeg_whose_scans_are_whole_is_damaged_too()
    {
        // Cut between two scans, where no decoder has anything to say.
        byte[] jpeg = File.ReadAllBytes(TestData.Golden("preprocess", "progressive-320x240.jpg"));
        int last = jpeg.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);

        Assert.Contains("scans are missing", DamageOf([.. jpeg[..last], 0xFF, 0xD9]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("JFIF version")]
    [InlineData("scan parameters")]
    public void What_libjpeg_only_grumbles_at_is_no_damage_and_hides_none(string what)
    {
        byte[] whole = Grumble(Faults.Read("jpeg-whole.jpg"), what);
        byte[] hole = Grumble(Faults.Read("jpeg-hole-1k.jpg"), what);

        Assert.Null(DamageOf(whole));
        Assert.Contains("extraneous bytes", DamageOf(hole), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, "LZWDecode")]
    [InlineData(8, "ZIPDecode")]
    [InlineData(32773, "PackBitsDecode")]
    [InlineData(7, "JPEGLib")]
    public void Damaged_strips_of_a_tiff_are_noticed(int compression, string module)
    {
        byte[] data = compression switch
        {
            // A code that is not in the table yet; a block of a type that does not exist; a run that is longer than the strip; a picture with a hole.
            5 => [0x80, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF],
            8 => [0x78, 0x9C, 0xFF, 0xFF, 0xFF, 0xFF],
            32773 => [.. Enumerable.Repeat<byte>(0x82, 2000)],
            _ => Faults.Read("jpeg-hole-1k.jpg"),
        };
        var file = new TiffFile();
        uint side = compression == 7 ? 320u : 64;
        uint height = compression == 7 ? 240u : 64;
        file.Add().Picture(side, height, file.Data(data), (uint)data.Length, photometric: (ushort)(compression == 7 ? 6 : 2), compression: (ushort)compression);
        byte[] tiff = file.Build();

        var header = ImageSniffer.Sniff(tiff).Header;
        using var decoder = new FrameDecoder(new KeptCodec(_codec), DamagedPictures.Note);
        var failure = decoder.Decode(tiff, header, Unwatched.Instance, out var picture, out string? damage);
        picture?.Dispose();

        Assert.Null(failure);
        Assert.Contains("the decoder reports", damage, StringComparison.Ordinal);
        Assert.True(damage!.Contains(module, StringComparison.Ordinal) || compression == 5, damage);
    }

    [Fact]
    public void Tags_that_libtiff_does_not_know_are_no_damage()
    {
        var file = new TiffFile();
        byte[] data = new byte[64 * 64 * 3];
        file.Add().Picture(64, 64, file.Data(data), (uint)data.Length).Longs(50_000, 1).Longs(50_001, 2);

        Assert.Null(DamageOf(file.Build()));
    }

    [Fact]
    public void Metadata_that_libpng_would_grumble_at_is_no_damage()
    {
        byte[] png = PictureFiles.WithPngChunks(
            File.ReadAllBytes(TestData.Golden("preprocess", "rgb-53x37.png")), PictureFiles.PngChunk("iCCP", 1, 2, 3), PictureFiles.PngChunk("gAMA", 0));

        Assert.Null(DamageOf(png));
    }

    [Fact]
    public void Damaged_pictures_are_refused_where_that_is_wanted()
    {
        byte[] jpeg = Faults.Read("jpeg-hole-1k.jpg");
        using var decoder = new FrameDecoder(new KeptCodec(_codec), DamagedPictures.Refuse);

        var failure = decoder.Decode(jpeg, ImageSniffer.Sniff(jpeg).Header, Unwatched.Instance, out var picture, out _);

        Assert.Null(picture);
        Assert.Equal(
            new FrameFailure(
                FailureKind.Invalid,
                "The JPEG is damaged: the decoder reports \"Corrupt JPEG data: 114 extraneous bytes before marker 0xd9\". Damaged pictures are refused (Loupe:Imaging:Damaged)."),
            failure);
    }

    private static byte[] Grumble(byte[] jpeg, string what)
    {
        if (what == "JFIF version")
        {
            jpeg[jpeg.AsSpan().IndexOf("JFIF\0"u8) + 5] = 2;
        }
        else
        {
            int scan = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
            jpeg[scan + 2 + (jpeg[scan + 2] << 8) + jpeg[scan + 3] - 2] = 0;
        }

        return jpeg;
    }

    private string? DamageOf(byte[] file)
    {
        var sniffed = ImageSniffer.Sniff(file);
        Assert.Null(sniffed.Failure);
        using var decoder = new FrameDecoder(new KeptCodec(_codec), DamagedPictures.Uncertain);
        var failure = decoder.Decode(file, sniffed.Header, Unwatched.Instance, out var picture, out string? damage);
        Assert.Null(failure);
        picture!.Dispose();
        decoder.Trim();
        return damage;
    }

    /// <summary>Belongs to the test, not to each decoder in it.</summary>
    private sealed class KeptCodec(IPictureCodec codec) : IPictureCodec
    {
        public CodecAnswer Decode(ReadOnlySpan<byte> file, ImageHeader header, ImreadModes mode, IDecodeWatch watch) => codec.Decode(file, header, mode, watch);

        public void Trim() => codec.Trim();

        public void Dispose()
        {
        }
    }
}

public sealed class LocalDamageTests() : DamageTests(new LocalCodec());

public sealed class WorkerDamageTests() : DamageTests(Codecs.CreateWorker());
