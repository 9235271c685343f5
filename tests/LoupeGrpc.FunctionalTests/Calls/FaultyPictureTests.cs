using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>Pictures that are damaged, hold several pictures or are none that is decoded here, as a client hears of them.</summary>
public class FaultyPictureTests(NanoEngine nano)
{
    [Theory]
    [InlineData("jpeg-cut-with-eoi.jpg")]
    [InlineData("jpeg-hole-1k.jpg")]
    [InlineData("jpeg-progressive-30pct-with-eoi.jpg")]
    public async Task A_damaged_picture_is_uncertain_with_a_note(string file)
    {
        var result = (await OutcomeAsync(file)).Result;

        Assert.Equal(Verdict.Uncertain, result.Verdict);
        Assert.Contains(result.Notes, static note => note.Code == NoteCode.Damaged && note.Message.Contains("Loupe:Imaging:Damaged", StringComparison.Ordinal));
        Assert.NotNull(result.Mask);
    }

    [Fact]
    public async Task A_whole_picture_is_not()
    {
        var result = (await OutcomeAsync("jpeg-whole.jpg")).Result;

        Assert.NotEqual(Verdict.Uncertain, result.Verdict);
        Assert.DoesNotContain(result.Notes, static note => note.Code == NoteCode.Damaged);
    }

    [Theory]
    [InlineData("thumbnail-first.tif", NoteCode.PreviewOnly, 320, 240)]
    [InlineData("mpo-two-pictures.jpg", NoteCode.FirstFrameOnly, 64, 48)]
    public async Task What_else_a_file_holds_is_said(string file, NoteCode code, uint width, uint height)
    {
        var result = (await OutcomeAsync(file)).Result;

        Assert.Equal((width, height), (result.Width, result.Height));
        Assert.Contains(result.Notes, note => note.Code == code);
    }

    [Theory]
    [InlineData("raw-thumbnail.nef", "Raw picture of a camera (ACME)")]
    [InlineData("tiff-zstd.tif", "zstd")]
    [InlineData("tiff-webp.tif", "WebP")]
    public async Task What_is_not_decoded_is_unsupported_by_its_name(string file, string name)
    {
        var failed = (await OutcomeAsync(file)).Failed;

        Assert.Equal(FailureCode.Unsupported, failed.Code);
        Assert.Contains(name, failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_orientation_is_in_the_result()
    {
        await using var server = await StartAsync();
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1, Encoded(TestData.Golden("preprocess", "exif-rotate6-320x240.jpg")));
        await session.SendFrameAsync(2, Encoded(TestData.Sample("authentic-rocket.png")));

        Assert.Equal(6u, (await session.NextOutcomeAsync()).Result.Orientation);
        Assert.Equal(1u, (await session.NextOutcomeAsync()).Result.Orientation);
    }

    private async Task<FrameOutcome> OutcomeAsync(string file)
    {
        await using var server = await StartAsync();
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1, Encoded(TestData.Golden("faults", file)));
        return await session.NextOutcomeAsync();
    }

    private Task<RunningServer> StartAsync() =>
        RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1 << 20 } });

    private static Action<Frame> Encoded(string path) =>
        frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(File.ReadAllBytes(path)) };
}
