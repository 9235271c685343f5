using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Engine.Adaptation;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Quantization;

/// <summary>The embedded model in 8 bits: how it is measured and refused, and what it then answers.</summary>
public sealed class Int8Tests(ITestOutputHelper output) : IDisposable
{
    private static readonly ExecutionTarget Target = ExecutionTarget.Cpu with { Precision = PackageLayout.Int8 };

    private readonly string _parent = Directory.CreateTempSubdirectory("loupe-int8-").FullName;

    private static QuantizationSettings Settings => TestPackages.NanoInt8.FilesOf(PackageLayout.Int8).Quantization!;

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void The_samples_keep_to_the_bound_with_most_layers_in_8_bits()
    {
        var bound = QuantizationBound.Default;
        Assert.Equal(TestPackages.SamplePictures.Count, Settings.Pictures);
        Assert.InRange(Settings.ScoreDifference.Most, Settings.ScoreDifference.Mean, bound.Score);
        Assert.InRange(Settings.Iou.Least, bound.Iou, Settings.Iou.Mean);
        var single = Settings.Layers.Where(static layer => layer.Precision != PackageLayout.Int8).ToList();
        output.WriteLine(
            $"{Settings.Layers.Count - single.Count} of {Settings.Layers.Count} layers, {Settings.ScoreDifference}, {Settings.Iou}; fp32: {string.Join(", ", single.Select(static layer => $"{layer.Name} {layer.Effect:0.00}"))}");
        Assert.InRange(single.Count, 1, Settings.Layers.Count / 4);

        // Each layer that costs half of the bound by itself, and the well-known one among them: a first block's MLP has a few very large numbers.
        Assert.All(Settings.Layers, static layer => Assert.True(layer.Precision == PackageLayout.Fp32 || layer.Effect <= 0.5, layer.Name));
        Assert.Contains(single, static layer => layer.Name == "backbone.transformer.resblocks.0.mlp.c_proj");
        Assert.All(Settings.Layers, static layer => Assert.True(layer.Range.IsValid, layer.Name));
    }

    /// <summary>By another way than the conversion's: two engines, pictures as they come, masks at their own size.</summary>
    [Fact]
    public async Task Scores_and_masks_of_the_samples_are_nearly_those_of_single_precision()
    {
        await using var single = await EngineFixture.StartAsync(package: TestPackages.NanoInt8, target: ExecutionTarget.Cpu);
        await using var quantized = await EngineFixture.StartAsync(package: TestPackages.NanoInt8, target: Target);
        Assert.Equal(PackageLayout.Int8, quantized.Execution.Precision);
        foreach (var path in TestPackages.SamplePictures)
        {
            var expected = await single.AnalyzedAsync(Frames.File(path));
            var actual = await quantized.AnalyzedAsync(Frames.File(path));

            output.WriteLine($"{Path.GetFileName(path)}: {expected.Score:0.0000} {actual.Score:0.0000}");
            Assert.Equal(expected.Score, actual.Score, QuantizationBound.Default.Score);
            Assert.NotEqual(expected.Score, actual.Score);
            if (expected.Score >= 0.4)
            {
                var (width, height) = (expected.Width, expected.Height);
                Assert.InRange(RunLength.Iou(expected.Mask!.Data.Span, actual.Mask!.Data.Span, width, height), QuantizationBound.Default.Iou - 0.005, 1);
            }
        }
    }

    /// <summary>What quantisation at run time would not promise: ranges are the package's, so neighbours change nothing.</summary>
    [Fact]
    public void A_picture_is_answered_with_the_same_bytes_alone_and_beside_others()
    {
        using var model = LoupeModel.Load(TestPackages.NanoInt8, Target, intraOpThreads: 1);
        using var single = RunSlot.Allocate(model, rows: 1);
        using var batch = RunSlot.Allocate(model, rows: 3);
        using var pixels = model.CreatePixels();
        for (int row = 0; row < 3; row++)
        {
            Fill(pixels, row);
            batch.Load(row, pixels);
        }

        batch.Encode(3);
        for (int row = 0; row < 3; row++)
        {
            Fill(pixels, row);
            single.Encode(pixels);
            Assert.Equal(single.ClsLogits.Values.ToArray(), batch.ClsLogits.Row(row).ToArray());
            Assert.Equal(single.PatchLogits.Values.ToArray(), batch.PatchLogits.Row(row).ToArray());
        }

        Assert.NotEqual(batch.ClsLogits.Values[0], batch.ClsLogits.Values[1]);
    }

    [Fact]
    public void The_same_checkpoint_and_pictures_give_the_same_bytes()
    {
        var wide = new QuantizationBound(10, -1);
        var (first, second) = (ConvertTiny("first", wide), ConvertTiny("second", wide));
        Assert.Equal(first.Hash, second.Hash);
        Assert.Equal(["fp32", "int8"], Directory.GetDirectories(first.Directory).Select(Path.GetFileName).Order());
        Assert.Equal(first.Hash, ModelPackage.Open(first.Directory, PackageCheck.Hashes).Hash);
        Assert.All(first.FilesOf(PackageLayout.Int8).Quantization!.Layers, static layer => Assert.Equal(PackageLayout.Int8, layer.Precision));
        Assert.Equal(["first", "second"], Directory.EnumerateFileSystemEntries(_parent).Select(Path.GetFileName).Order());
    }

    /// <summary>Nor is it kept by computing nothing in 8 bits.</summary>
    [Fact]
    public void A_bound_that_cannot_be_kept_refuses_the_package_with_the_figures_and_leaves_nothing()
    {
        var exception = Assert.Throws<ModelLoadException>(() => ConvertTiny("refused", new QuantizationBound(1e-7, 0.97)));
        output.WriteLine(exception.Message);
        Assert.Matches(
            @"^int8 is not exact enough for this model: on 12 pictures scores differ by 0\.\d{4} on average and 0\.\d{4} at most, masks overlap by an IoU of [01]\.\d{3} on average and [01]\.\d{3} at least; scores may differ by 1E-07, masks overlap by an IoU of 0\.97 at least\. Convert it with --precision fp32\.$",
            exception.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_parent));
    }

    [Fact]
    public void Pictures_that_show_nothing_count_for_nothing_and_too_few_are_refused()
    {
        List<string> files = [.. TestPackages.SamplePictures.Take(QuantizationPictures.Least)];
        Write("flat.png", static () => new Mat(64, 64, MatType.CV_8UC3, new Scalar(30, 60, 90)));
        File.WriteAllBytes(Path.Combine(_parent, "empty.png"), []);
        File.WriteAllText(Path.Combine(_parent, "notes.txt"), "no picture");
        File.Copy(files[0], Path.Combine(_parent, "copy.png"));
        files.AddRange(Directory.EnumerateFiles(_parent).Order(StringComparer.Ordinal));

        var pictures = QuantizationPictures.Read(TestPackages.Nano.Manifest, files, TestContext.Current.CancellationToken);
        Assert.Equal(QuantizationPictures.Least, pictures.Count);
        Assert.Equal(
            ["copy.png: It is a copy of another one.", "empty.png: The frame is empty.", "flat.png: It is of one colour, and shows nothing."],
            pictures.LeftOut.Select(static file => $"{Path.GetFileName(file.Path)}: {file.Reason}").Where(static line => !line.StartsWith("notes", StringComparison.Ordinal)));

        // The copy is the only one of the first now.
        var exception = Assert.Throws<ModelLoadException>(() =>
            QuantizationPictures.Read(TestPackages.Nano.Manifest, [.. files.Skip(2)], TestContext.Current.CancellationToken));
        Assert.Contains("int8 needs at least 8 pictures to measure ranges on, and of 10 files 7 are of use", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ModelLoadException>(() => QuantizationPictures.Read(TestPackages.Nano.Manifest, [], TestContext.Current.CancellationToken));
    }

    /// <summary>Each in turn is a picture of one colour: nothing is measured on such a folder.</summary>
    [Fact]
    public void A_folder_of_pictures_of_one_colour_is_refused()
    {
        for (int i = 0; i < 12; i++)
        {
            int shade = i;
            Write($"{i}.png", () => new Mat(32, 32, MatType.CV_8UC3, new Scalar(shade, 2 * shade, 255 - shade)));
        }

        var exception = Assert.Throws<ModelLoadException>(() => QuantizationPictures.Read(
            TestPackages.Nano.Manifest, [.. Directory.EnumerateFiles(_parent)], TestContext.Current.CancellationToken));
        Assert.Contains("of 12 files 0 are of use; the first of the others: ", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith("It is of one colour, and shows nothing.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_many_files_some_are_read_that_lie_evenly_among_them()
    {
        List<string> files = [];
        for (int i = 0; i < 2 * QuantizationPictures.Most; i++)
        {
            int seed = i;
            files.Add(Write($"{i:000}.png", () =>
            {
                var picture = new Mat(8, 8, MatType.CV_8UC3);
                Cv2.Randu(picture, new Scalar(0, 0, 0), new Scalar(seed + 2, seed + 2, seed + 2));
                return picture;
            }));
        }

        var pictures = QuantizationPictures.Read(TestPackages.Nano.Manifest, files, TestContext.Current.CancellationToken);
        Assert.Equal((QuantizationPictures.Most, 2 * QuantizationPictures.Most), (pictures.Count + pictures.LeftOut.Count, pictures.Offered));
    }

    /// <summary>Against single precision's answers the check would have to be so wide that it sees nothing.</summary>
    [Fact]
    public void The_self_check_is_against_its_own_answers_and_sees_a_weight_that_changed()
    {
        var files = TestPackages.NanoInt8.FilesOf(PackageLayout.Int8);
        Assert.NotNull(files.SelfCheck);
        Assert.Null(TestPackages.NanoInt8.FilesOf(PackageLayout.Fp32).SelfCheck);
        var report = SelfCheckRecorder.Verify(TestPackages.NanoInt8, PackageLayout.Int8);
        output.WriteLine($"{report.Output} is off by {report.Distance:g2}");
        Assert.InRange(report.Distance, 0, report.Tolerance / 4);

        string copy = TestPackages.Copy(TestPackages.NanoInt8);
        string path = Path.Combine(copy, "int8", PackageLayout.WeightsName);
        byte[] weights = File.ReadAllBytes(path);
        for (int i = 0; i < weights.Length; i += 64)
        {
            weights[i] ^= 0x7f;
        }

        File.WriteAllBytes(path, weights);
        Assert.Throws<SelfCheckException>(() => SelfCheckRecorder.Verify(ModelPackage.Open(copy), PackageLayout.Int8));
    }

    /// <summary>
    /// What adapts is single precision: head, loss, gradient, optimiser. It learns from what the segmentor leaves, so from the very states that its masks are made of.
    /// </summary>
    [Theory]
    [InlineData("scale")]
    [InlineData("dark")]
    public async Task Adaptation_gains_what_the_reference_gains(string name)
    {
        await using var engine = await EngineFixture.StartAsync(package: TestPackages.NanoInt8, target: Target);
        var stream = ReferenceStream.Read(name);
        var session = engine.CreateAdaptation(new AdaptationSettings { Guard = null });
        var request = Frames.WithMask with { Adaptation = session };
        var (ours, theirs) = (new ForgedArea(ReferenceStream.Side, ReferenceStream.Side), new ForgedArea(ReferenceStream.Side, ReferenceStream.Side));
        var (overlap, loss, drift) = (0d, 0d, 0d);
        foreach (var frame in stream.Frames)
        {
            var analysis = await engine.AnalyzedAsync(Frames.File(frame.Path), request);
            Assert.Equal(frame.StateStep, analysis.Adaptation!.Step);
            if (frame.Loss is { } expected)
            {
                loss = Math.Max(loss, Math.Abs((session.Report().LastLoss / expected) - 1));
            }

            drift = Math.Max(drift, Math.Abs((session.Report().Drift / frame.DriftAfter) - 1));
            byte[] mask = analysis.Mask!.Data.ToArray();
            var expectedMask = frame.Adapted;
            overlap += RunLength.Area(expectedMask, ReferenceStream.Side, ReferenceStream.Side) + RunLength.Area(mask, ReferenceStream.Side, ReferenceStream.Side) == 0
                ? 1
                : RunLength.Iou(expectedMask, mask, ReferenceStream.Side, ReferenceStream.Side);
            ours.Add(frame.Truth, mask);
            theirs.Add(frame.Truth, frame.Adapted);
        }

        output.WriteLine(
            $"{name}: mean IoU with the reference {overlap / stream.Frames.Count:0.0000}, total IoU {ours.Iou:0.0000}, the reference's {theirs.Iou:0.0000} (base {stream.BaseIou:0.0000}), loss off by {loss:0.0e+0}, drift by {drift:0.0e+0}");
        Assert.True(ours.Iou >= theirs.Iou - 0.002);
    }

    private ModelPackage ConvertTiny(string folder, QuantizationBound bound) => TestPackages.ConvertInt8(
        "tiny-s", TestData.Golden("tiny", "tiny-s", "config.json"), TestData.Golden("tiny", "tiny-s", "model.safetensors"), Path.Combine(_parent, folder), bound);

    private string Write(string name, Func<Mat> make)
    {
        string path = Path.Combine(_parent, name);
        using var picture = make();
        Cv2.ImWrite(path, picture);
        return path;
    }

    private static void Fill(TensorBuffer pixels, int picture)
    {
        for (int i = 0; i < pixels.Values.Length; i++)
        {
            pixels.Values[i] = MathF.Sin((i * (0.01f + (0.003f * picture))) + picture);
        }
    }
}
