using System.Security.Cryptography;
using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>The real engine behind the wire: what is wrong with a picture is that picture's outcome, and the stream goes on.</summary>
public class BadInputTests(NanoEngine nano)
{
    private static readonly byte[] Good = File.ReadAllBytes(TestData.Sample("authentic-rocket.png"));

    public static TheoryData<string, byte[], FailureCode, string> BadPictures => new()
    {
        { "empty", [], FailureCode.Invalid, "" },
        { "one byte", [0xff], FailureCode.Invalid, "" },
        { "not an image", "hello, this is no picture"u8.ToArray(), FailureCode.Invalid, "" },
        { "truncated", Good[..(Good.Length / 3)], FailureCode.Invalid, "" },
        { "truncated in its header", Good[..20], FailureCode.Invalid, "" },
        { "20000 x 20000 in its header", HugeHeader(), FailureCode.TooLarge, "Loupe:Limits:Max" },
        { "over the frame limit", new byte[(1 << 20) + 1], FailureCode.TooLarge, "Loupe:Limits:MaxFrameBytes" },
    };

    [Theory]
    [MemberData(nameof(BadPictures))]
    public async Task A_bad_picture_fails_alone(string name, byte[] data, FailureCode code, string setting)
    {
        Assert.NotEmpty(name);
        await using var server = await StartAsync();
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1, Encoded(Good));
        await session.SendFrameAsync(2, Encoded(data));
        await session.SendFrameAsync(3, Encoded(Good));
        await session.CompleteAsync();

        var answers = await session.RestAsync();
        Assert.Equal([1ul, 2, 3], answers.SkipLast(1).Select(static answer => answer.Outcome.FrameId));
        Assert.Equal(code, answers[1].Outcome.Failed.Code);
        Assert.NotEmpty(answers[1].Outcome.Failed.Message);
        Assert.Contains(setting, answers[1].Outcome.Failed.Message, StringComparison.Ordinal);
        Assert.Equal(answers[0].Outcome.Result.Score, answers[2].Outcome.Result.Score, 1e-6f);
        Assert.Equal(SHA256.HashData(Good), answers[0].Outcome.Result.Sha256.ToByteArray());
    }

    [Theory]
    [InlineData(PixelFormat.Bgr24, 64, 48, 3 * 64 * 48 - 1)]
    [InlineData(PixelFormat.Gray8, 64, 48, 0)]
    [InlineData(PixelFormat.I420, 64, 48, 64 * 48)]
    [InlineData(PixelFormat.Rgb24, 64, 48, 3 * 64 * 48, 100)]
    [InlineData(PixelFormat.Rgb24, 64, 48, 3 * 64 * 48, 192, 192)]
    [InlineData(PixelFormat.Gray8, int.MaxValue, int.MaxValue, 16)]
    public async Task Raw_pixels_that_do_not_fit_their_format_fail_alone(PixelFormat format, int width, int height, int bytes, params int[] strides)
    {
        await using var server = await StartAsync();
        using var session = await server.OpenAsync();
        var layout = new FrameFormat { PixelFormat = format, Width = (uint)width, Height = (uint)height };
        layout.Strides.Add(strides.Select(static stride => (uint)stride));
        await session.SendFrameAsync(1, frame => frame.Raw = new RawImage { Format = layout, Data = ByteString.CopyFrom(new byte[bytes]) });
        await session.SendFrameAsync(2, Encoded(Good));

        var failed = (await session.NextOutcomeAsync()).Failed;
        Assert.Equal(width == int.MaxValue ? FailureCode.TooLarge : FailureCode.Invalid, failed.Code);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
    }

    [Theory]
    [InlineData("cmyk-320x240.jpg", NoteCode.CmykConverted)]
    [InlineData("gray16-320x240.png", NoteCode.BitDepthReduced)]
    [InlineData("rgb-1x1.png", NoteCode.Scaled)]
    [InlineData("rgba-320x240.png", NoteCode.AlphaDropped)]
    [InlineData("exif-rotate6-320x240.jpg", NoteCode.OrientationNotApplied)]
    public async Task An_odd_picture_is_analysed_with_a_note(string file, NoteCode note)
    {
        await using var server = await StartAsync();
        using var session = await server.OpenAsync(new OpenSession { Mask = new MaskSettings { Policy = MaskPolicy.Always } });
        await session.SendFrameAsync(1, Encoded(await File.ReadAllBytesAsync(TestData.Golden("preprocess", file), Patience.Token())));
        var result = (await session.NextOutcomeAsync()).Result;
        Assert.NotNull(result.Mask);
        Assert.Equal([result.Height, result.Width], result.Mask.Rle.Size);
        Assert.Contains(result.Notes, candidate => candidate.Code == note && candidate.Message.Length > 0);
    }

    [Fact]
    public async Task Of_several_pages_the_first_is_analysed_with_a_note()
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.tiff");
        try
        {
            using (var first = new Mat(48, 64, MatType.CV_8UC3, Scalar.All(100)))
            using (var second = new Mat(20, 30, MatType.CV_8UC3, Scalar.All(200)))
            {
                Assert.True(Cv2.ImWrite(file, [first, second]));
            }

            await using var server = await StartAsync();
            using var session = await server.OpenAsync();
            await session.SendFrameAsync(1, Encoded(await File.ReadAllBytesAsync(file, Patience.Token())));
            var result = (await session.NextOutcomeAsync()).Result;
            Assert.Equal((64u, 48u), (result.Width, result.Height));
            Assert.Contains(result.Notes, static note => note.Code == NoteCode.FirstFrameOnly);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_mask_over_its_budget_is_left_out_and_said_to_be()
    {
        var forged = Encoded(await File.ReadAllBytesAsync(TestData.Sample("forged-stars-noise.png"), Patience.Token()));
        await using var server = await StartAsync();
        using var session = await server.OpenAsync(new OpenSession { Mask = new MaskSettings { Policy = MaskPolicy.Always } });
        await session.SendFrameAsync(1, forged);
        var whole = (await session.NextOutcomeAsync()).Result;
        Assert.NotEmpty(whole.Mask.Rle.Counts);

        var budget = (uint)whole.Mask.Rle.Counts.Length - 1;
        await session.SendAsync(new Control { SetMask = new MaskSettings { Policy = MaskPolicy.Always, MaxBytes = budget } });
        Assert.Null((await session.NextReplyAsync()).Failed);
        await session.SendFrameAsync(2, forged);
        var without = (await session.NextOutcomeAsync()).Result;
        Assert.Null(without.Mask);
        Assert.Equal(MaskOmission.Budget, without.MaskOmission);
        Assert.Equal(whole.Regions, without.Regions);
        Assert.Equal(whole.Score, without.Score, 1e-6f);
    }

    [Fact]
    public async Task Single_pictures_fail_with_a_status()
    {
        await using var server = await StartAsync();
        foreach (var row in BadPictures)
        {
            var (_, data, code, _) = row.Data;
            var failure = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await server.Client.AnalyzeImageAsync(
                new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(data) } }, cancellationToken: Patience.Token()));
            var status = code == FailureCode.Invalid ? Grpc.Core.StatusCode.InvalidArgument : Grpc.Core.StatusCode.ResourceExhausted;
            StatusAssert.Carries(failure, status, code);
        }
    }

    [Fact]
    public async Task A_client_that_vanishes_in_the_middle_of_real_work_leaves_nothing_behind()
    {
        await using var server = await StartAsync();
        var session = await server.OpenAsync();
        for (ulong id = 0; id < 40; id++)
        {
            await session.SendFrameAsync(id, Encoded(Good));
        }

        await session.NextOutcomeAsync();
        session.Dispose();
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal(0, server.FrameBytes);

        using var next = await server.OpenAsync();
        await next.SendFrameAsync(1, Encoded(Good));
        Assert.NotNull((await next.NextOutcomeAsync()).Result);
    }

    private Task<RunningServer> StartAsync() =>
        RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1 << 20 } });

    private static Action<Frame> Encoded(byte[] data) => frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(data) };

    /// <summary>A PNG that claims 400 million pixels.</summary>
    private static byte[] HugeHeader() =>
    [
        0x89, .. "PNG\r\n"u8, 0x1a, 0x0a, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20, 8, 2, 0, 0, 0, 0, 0, 0, 0,
    ];
}
