using LoupeGrpc.Engine;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Engine.Imaging;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>What an answer holds, for good pictures, odd ones and bad ones.</summary>
public sealed class EngineAnswerTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    private const string Authentic = "authentic-chelsea.png";
    private const string Uncertain = "forged-astronaut-in-space.png";
    private const string Manipulated = "forged-cat-in-coffee.jpg";

    private LoupeEngine Engine => fixture.Engine;

    [Theory]
    [InlineData(Authentic, Verdict.Authentic, MaskPolicy.WhenSuspected, false)]
    [InlineData(Authentic, Verdict.Authentic, MaskPolicy.Always, true)]
    [InlineData(Authentic, Verdict.Authentic, MaskPolicy.Never, false)]
    [InlineData(Uncertain, Verdict.Uncertain, MaskPolicy.WhenSuspected, true)]
    [InlineData(Manipulated, Verdict.Manipulated, MaskPolicy.WhenSuspected, true)]
    [InlineData(Manipulated, Verdict.Manipulated, MaskPolicy.Never, false)]
    public async Task The_policy_decides_about_the_mask(string sample, Verdict verdict, MaskPolicy policy, bool mask)
    {
        var analysis = await Engine.AnalyzedAsync(Frames.Sample(sample), new AnalysisRequest { MaskPolicy = policy });

        Assert.Equal(verdict, analysis.Verdict);
        Assert.Equal(mask, analysis.Mask is not null);
        Assert.Equal(mask ? MaskOmission.None : MaskOmission.Policy, analysis.MaskOmission);
    }

    [Theory]
    [InlineData(Authentic, true)]
    [InlineData(Manipulated, true)]
    [InlineData(Uncertain, null)]
    [InlineData("authentic-rocket.png", false)]
    public async Task Agreement_compares_mask_and_verdict(string sample, bool? agrees) =>
        Assert.Equal(agrees, (await Engine.AnalyzedAsync(Frames.Sample(sample))).MaskAgrees);

    [Fact]
    public async Task Thresholds_decide_the_verdict()
    {
        var input = Frames.Sample(Uncertain);
        float score = (await Engine.AnalyzedAsync(input)).Score;

        Assert.Equal(Verdict.Manipulated, (await Engine.AnalyzedAsync(input, new AnalysisRequest { Thresholds = new(0.1f, score) })).Verdict);
        Assert.Equal(Verdict.Uncertain, (await Engine.AnalyzedAsync(input, new AnalysisRequest { Thresholds = new(score, 1) })).Verdict);
        Assert.Equal(Verdict.Authentic, (await Engine.AnalyzedAsync(input, new AnalysisRequest { Thresholds = new(1, 1) })).Verdict);
    }

    [Fact]
    public async Task Regions_describe_the_mask()
    {
        var analysis = await Engine.AnalyzedAsync(Frames.Sample("forged-cat-inpainted.png"));

        Assert.NotEmpty(analysis.Regions);
        byte[] mask = new byte[analysis.Width * analysis.Height];
        RunLength.Decode(analysis.Mask!.Data.Span, analysis.Height, analysis.Width, mask);
        foreach (var region in analysis.Regions)
        {
            Assert.InRange(region.Mean, 0.5f, 3);
            Assert.True(region.Area >= 0.0005 * mask.Length);
        }

        Assert.True(analysis.Regions.Sum(static region => region.Area) <= analysis.Mask.Area);
        Assert.Equal(analysis.Regions.OrderByDescending(static region => region.Area), analysis.Regions);
    }

    [Fact]
    public async Task The_three_encodings_hold_the_same_mask()
    {
        var input = Frames.Sample(Manipulated);
        var runs = await Engine.AnalyzedAsync(input);
        var png = await Engine.AnalyzedAsync(input, Frames.WithMask with { MaskEncoding = MaskEncoding.Png });
        var soft = await Engine.AnalyzedAsync(input, Frames.WithMask with { MaskEncoding = MaskEncoding.SoftPng });
        byte[] mask = new byte[runs.Width * runs.Height];
        RunLength.Decode(runs.Mask!.Data.Span, runs.Height, runs.Width, mask);

        using var pngMask = Cv2.ImDecode(png.Mask!.Data.Span, ImreadModes.Unchanged);
        using var softMask = Cv2.ImDecode(soft.Mask!.Data.Span, ImreadModes.Unchanged);

        Assert.Equal(mask, pngMask.AsSpan<byte>().ToArray().Select(static value => (byte)(value / 255)));

        // 0.5 is 127.5: only a value next to the threshold may round to either side.
        Assert.All(
            mask.Zip(softMask.AsSpan<byte>().ToArray()),
            static pair => Assert.True(pair.Second is 127 or 128 || (pair.Second > 127) == (pair.First == 1)));
        Assert.Equal((MaskEncoding.SoftPng, runs.Mask.Area), (soft.Mask.Encoding, soft.Mask.Area));
    }

    [Fact]
    public async Task A_mask_over_its_budget_is_left_out_and_its_regions_stay()
    {
        var analysis = await Engine.AnalyzedAsync(Frames.Sample(Manipulated), Frames.WithMask with { MaxMaskBytes = 10 });

        Assert.Null(analysis.Mask);
        Assert.Equal(MaskOmission.Budget, analysis.MaskOmission);
        Assert.NotEmpty(analysis.Regions);
        Assert.True(analysis.MaskAgrees);
    }

    [Fact]
    public async Task Raw_pixels_are_answered_as_the_file_they_came_from()
    {
        byte[] file = await File.ReadAllBytesAsync(TestData.Sample(Manipulated), TestContext.Current.CancellationToken);
        using var picture = Cv2.ImDecode(file, ImreadModes.Color);
        using var rgb = new Mat();
        using var bgra = new Mat();
        Cv2.CvtColor(picture, rgb, ColorConversionCodes.BGR2RGB);
        Cv2.CvtColor(picture, bgra, ColorConversionCodes.BGR2BGRA);
        var expected = await Engine.AnalyzedAsync(new EncodedInput(file));

        await CheckAsync(PixelFormat.Bgr24, picture, padding: 0);
        await CheckAsync(PixelFormat.Rgb24, rgb, padding: 0);
        await CheckAsync(PixelFormat.Bgra32, bgra, padding: 20);

        async Task CheckAsync(PixelFormat format, Mat pixels, int padding)
        {
            var (width, height) = (pixels.Width, pixels.Height);
            int row = width * (int)pixels.ElemSize();
            byte[] data = new byte[(row + padding) * height];
            for (int y = 0; y < height; y++)
            {
                System.Runtime.InteropServices.Marshal.Copy(pixels.Ptr(y), data, y * (row + padding), row);
            }

            int[] strides = padding == 0 ? [] : [row + padding];
            var analysis = await Engine.AnalyzedAsync(
                new RawInput(data, new RawLayout(format, width, height, strides, YuvMatrix.Bt601, YuvRange.Limited)));
            Assert.Equal(expected.Score, analysis.Score);
            Assert.Equal(expected.Mask!.Data.ToArray(), analysis.Mask!.Data.ToArray());
            Assert.Equal(format == PixelFormat.Bgra32, analysis.Notes.Any(static note => note.Kind == ImageNoteKind.AlphaDropped));
        }
    }

    [Fact]
    public async Task Chroma_formats_find_their_planes()
    {
        using var bgr = new Mat(48, 64, MatType.CV_8UC3);
        Cv2.Randu(bgr, new Scalar(0, 0, 0), new Scalar(255, 255, 255));
        using var i420 = new Mat();
        Cv2.CvtColor(bgr, i420, ColorConversionCodes.BGR2YUV_I420);
        byte[] planes = i420.AsSpan<byte>().ToArray();
        const int Luma = 64 * 48;
        byte[] nv12 = [.. planes.AsSpan(0, Luma), .. Enumerable.Range(0, Luma / 4).SelectMany(i => new[] { planes[Luma + i], planes[(Luma * 5 / 4) + i] })];

        var first = await Engine.AnalyzedAsync(Yuv(planes, PixelFormat.I420));
        var second = await Engine.AnalyzedAsync(Yuv(nv12, PixelFormat.Nv12));
        var swapped = await Engine.AnalyzedAsync(Yuv([.. planes.AsSpan(0, Luma), .. planes.AsSpan(Luma * 5 / 4), .. planes.AsSpan(Luma, Luma / 4)], PixelFormat.I420));

        Assert.Equal(first.Score, second.Score);
        Assert.NotEqual(first.Score, swapped.Score);

        static RawInput Yuv(byte[] data, PixelFormat format) => new(data, new RawLayout(format, 64, 48, [], YuvMatrix.Bt601, YuvRange.Limited));
    }

    [Theory]
    [InlineData("rgb-1x1.png", ImageNoteKind.Scaled, "1x1 pixels were enlarged to the model's 224x224")]
    [InlineData("rgb-1920x1080.jpg", ImageNoteKind.Scaled, "1920x1080 pixels were reduced")]
    [InlineData("gray16-320x240.png", ImageNoteKind.BitDepthReduced, "16 bits")]
    [InlineData("rgba-320x240.png", ImageNoteKind.AlphaDropped, "Transparency")]
    [InlineData("cmyk-320x240.jpg", ImageNoteKind.CmykConverted, "CMYK")]
    [InlineData("exif-rotate6-320x240.jpg", ImageNoteKind.OrientationNotApplied, "orientation 6")]
    public async Task Odd_pictures_are_analysed_with_a_note(string file, ImageNoteKind kind, string message)
    {
        var analysis = await Engine.AnalyzedAsync(Frames.File(TestData.Golden("preprocess", file)));

        var note = Assert.Single(analysis.Notes);
        Assert.Equal(kind, note.Kind);
        Assert.Contains(message, note.Message, StringComparison.Ordinal);
        Assert.NotNull(analysis.Mask);
    }

    [Fact]
    public async Task Animations_and_pages_are_analysed_as_their_first_with_a_note()
    {
        byte[] still = await File.ReadAllBytesAsync(TestData.Sample(Authentic), TestContext.Current.CancellationToken);
        var expected = await Engine.AnalyzedAsync(new EncodedInput(still));

        var animated = await Engine.AnalyzedAsync(new EncodedInput(PictureFiles.AnimatedPng(still, still)));
        byte[] gray = [.. Enumerable.Range(0, 224 * 224).Select(static i => (byte)i)];
        var pages = await Engine.AnalyzedAsync(new EncodedInput(PictureFiles.Tiff(224, 224, 8, 1, 1, gray, pages: 3)));

        Assert.Equal(expected.Score, animated.Score);
        Assert.Equal(new ImageNote(ImageNoteKind.FirstFrameOnly, "The PNG has 2 frames; the first was analysed."), Assert.Single(animated.Notes));
        Assert.Equal(new ImageNote(ImageNoteKind.FirstFrameOnly, "The TIFF has 3 pages; the first was analysed."), Assert.Single(pages.Notes));
    }

    [Theory]
    [InlineData("jpeg-cut-with-eoi.jpg")]
    [InlineData("jpeg-hole-1k.jpg")]
    [InlineData("jpeg-progressive-30pct-with-eoi.jpg")]
    public async Task Damaged_pictures_are_uncertain_whatever_their_score(string file)
    {
        // Every score is one of these two.
        foreach (var thresholds in new[] { new VerdictThresholds(0, 0), new VerdictThresholds(1, 1) })
        {
            var request = Frames.WithMask with { Thresholds = thresholds, MaskPolicy = MaskPolicy.WhenSuspected };
            var analysis = await Engine.AnalyzedAsync(Frames.File(TestData.Golden("faults", file)), request);

            Assert.Equal(Verdict.Uncertain, analysis.Verdict);
            var note = Assert.Single(analysis.Notes, static note => note.Kind == ImageNoteKind.Damaged);
            Assert.Contains("so the verdict is UNCERTAIN whatever the score (Loupe:Imaging:Damaged)", note.Message, StringComparison.Ordinal);
            Assert.NotNull(analysis.Mask);
        }

        var whole = await Engine.AnalyzedAsync(Frames.File(TestData.Golden("faults", "jpeg-whole.jpg")), Frames.WithMask with { Thresholds = new VerdictThresholds(0, 0) });
        Assert.Equal(Verdict.Manipulated, whole.Verdict);
        Assert.DoesNotContain(whole.Notes, static note => note.Kind == ImageNoteKind.Damaged);
    }

    [Theory]
    [InlineData(DamagedPictures.Note)]
    [InlineData(DamagedPictures.Refuse)]
    public async Task What_becomes_of_damaged_pictures_can_be_set(DamagedPictures damaged)
    {
        var options = new EngineOptions { Imaging = new ImagingOptions { Damaged = damaged } };
        await using var engine = await EngineFixture.StartAsync(options);
        var hole = Frames.File(TestData.Golden("faults", "jpeg-hole-1k.jpg"));
        if (damaged == DamagedPictures.Refuse)
        {
            var failure = await engine.FailedAsync(hole);
            Assert.Equal(FailureKind.Invalid, failure.Kind);
            Assert.Contains("Loupe:Imaging:Damaged", failure.Message, StringComparison.Ordinal);
            return;
        }

        var analysis = await engine.AnalyzedAsync(hole, Frames.WithMask with { Thresholds = new VerdictThresholds(0, 0) });
        Assert.Equal(Verdict.Manipulated, analysis.Verdict);
        Assert.Contains(analysis.Notes, static note => note.Kind == ImageNoteKind.Damaged && note.Message.EndsWith("is guesswork.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Decoding_in_the_engines_own_process_answers_the_same()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { Imaging = new ImagingOptions { Isolation = DecoderIsolation.None } });
        foreach (string file in new[] { "rgb-1920x1080.jpg", "rgb-640x480.png", "lossy-320x240.webp", "rgb-320x240.tiff" })
        {
            var input = Frames.File(TestData.Golden("preprocess", file));
            var expected = await Engine.AnalyzedAsync(input);
            var analysis = await engine.AnalyzedAsync(input);

            Assert.Equal(expected.Score, analysis.Score);
            Assert.Equal(expected.Mask!.Data.ToArray(), analysis.Mask!.Data.ToArray());
        }
    }

    [Fact]
    public async Task The_orientation_that_a_file_asks_for_is_in_the_result()
    {
        Assert.Equal(6, (await Engine.AnalyzedAsync(Frames.File(TestData.Golden("preprocess", "exif-rotate6-320x240.jpg")))).Orientation);
        Assert.Equal(1, (await Engine.AnalyzedAsync(Frames.File(TestData.Golden("preprocess", "rgb-640x480.png")))).Orientation);
        Assert.Equal(1, (await Engine.AnalyzedAsync(Frames.Noise(10, 10))).Orientation);
    }

    [Fact]
    public async Task The_full_picture_behind_a_preview_is_analysed_with_a_note()
    {
        var analysis = await Engine.AnalyzedAsync(Frames.File(TestData.Golden("faults", "thumbnail-first.tif")));

        Assert.Equal((320, 240), (analysis.Width, analysis.Height));
        Assert.Equal(
            new ImageNote(ImageNoteKind.PreviewOnly, "The TIFF's first picture is only a preview of 64x48 pixels; the full picture of 320x240 was analysed."),
            Assert.Single(analysis.Notes));
    }

    [Fact]
    public async Task Bad_frames_are_refused_as_what_they_are()
    {
        byte[] png = await File.ReadAllBytesAsync(TestData.Golden("preprocess", "rgb-640x480.png"), TestContext.Current.CancellationToken);

        Assert.Equal(FailureKind.Invalid, (await Engine.FailedAsync(new EncodedInput(Array.Empty<byte>()))).Kind);
        Assert.Equal(FailureKind.Invalid, (await Engine.FailedAsync(new EncodedInput("not a picture"u8.ToArray()))).Kind);
        Assert.Equal(FailureKind.Invalid, (await Engine.FailedAsync(new EncodedInput(png.AsMemory(0, png.Length - 1)))).Kind);
        Assert.Equal(FailureKind.Unsupported, (await Engine.FailedAsync(new EncodedInput("GIF89a......"u8.ToArray()))).Kind);
        Assert.Equal(
            FailureKind.TooLarge,
            (await Engine.FailedAsync(new EncodedInput(PictureFiles.PngHeader(20_000, 20_000)))).Kind);
        Assert.Equal(FailureKind.TooLarge, (await Engine.FailedAsync(new EncodedInput(new byte[(32 << 20) + 1]))).Kind);
        Assert.Equal(FailureKind.Invalid, (await Engine.FailedAsync(Frames.Bgr(Array.Empty<byte>(), 4, 4))).Kind);
        Assert.Equal(
            FailureKind.Invalid,
            (await Engine.FailedAsync(Frames.Noise(4, 4), new AnalysisRequest { Thresholds = new VerdictThresholds(0.7f, 0.6f) })).Kind);
        Assert.Equal(
            FailureKind.Invalid,
            (await Engine.FailedAsync(Frames.Noise(4, 4), new AnalysisRequest { Thresholds = new VerdictThresholds(float.NaN, 0.6f) })).Kind);
        Assert.Equal(FailureKind.Invalid, (await Engine.FailedAsync(Frames.Noise(4, 4), Frames.WithMask with { MaxMaskBytes = -1 })).Kind);
    }

    [Fact]
    public async Task Timings_and_execution_are_told()
    {
        var analysis = await Engine.AnalyzedAsync(Frames.Sample(Manipulated));
        var timings = analysis.Timings;

        Assert.Equal(new ExecutionDescription("CPU", "fp32", ""), analysis.Execution);
        TimeSpan[] stages = [timings.Decode, timings.Preprocess, timings.Encode, timings.Segment, timings.Mask];
        Assert.All(stages, static stage => Assert.True(stage > TimeSpan.Zero));
        Assert.True(timings.Total >= timings.Queue + stages.Aggregate(TimeSpan.Zero, static (sum, stage) => sum + stage));
    }
}
