using System.Security.Cryptography;
using System.Text.Json;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.Engine;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Pictures in, scores and masks out, against what the authors' code computed.</summary>
public sealed class EngineGoldenTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private const double ScoreTolerance = 1e-4;

    [Theory]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public async Task Tiny_models_answer_pictures_as_the_reference_does(string model)
    {
        await using var engine = await EngineFixture.StartAsync(package: TestPackages.Tiny(model));
        var expected = Expected("e2e").EnumerateArray().Where(entry => entry.GetProperty("model").GetString() == model).ToList();
        Assert.Equal(6, expected.Count);

        foreach (var entry in expected)
        {
            await CheckAsync(engine, TestData.Golden("e2e", entry.GetProperty("image").GetString()!), entry);
        }
    }

    [Fact]
    public async Task The_embedded_model_answers_the_samples_as_the_reference_does()
    {
        var expected = Expected("nano").GetProperty("pictures").EnumerateArray().ToList();
        Assert.Equal(12, expected.Count);

        foreach (var entry in expected)
        {
            await CheckAsync(nano.Engine, TestData.Sample(entry.GetProperty("image").GetString()!), entry);
        }
    }

    /// <summary>Frames of the clip with the pixels that the reference saw (FFmpeg with its x86 colour conversion).</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(54)]
    [InlineData(71)]
    public async Task The_embedded_model_answers_frames_of_the_clip_as_the_reference_does(int index)
    {
        var expected = Expected("nano").GetProperty("clip")[index];

        var analysis = await nano.Engine.AnalyzedAsync(Frames.File(TestData.Golden("nano", "clip", $"frame-{index}.png")));

        Assert.Equal(expected.GetProperty("score").GetDouble(), analysis.Score, ScoreTolerance);
        Assert.Equal(expected.GetProperty("area").GetInt64(), analysis.Mask!.Area, 1e-4 * analysis.Width * analysis.Height);
    }

    /// <summary>Read by the client: its frames have the pixels that the reference saw, so that every answer is the reference's.</summary>
    [Fact]
    public async Task The_embedded_model_answers_the_clip_as_the_reference_does()
    {
        Assert.SkipUnless(SystemTool.HasFfmpeg, SystemTool.NoFfmpeg);
        var token = TestContext.Current.CancellationToken;
        var sampling = new SamplingOptions(PerSecond: null, MaxFrames: long.MaxValue, TimeProvider.System);
        await using var clip = await new StreamSourceFactory(sampling, VideoOptions.Default, keepFrames: false, _ => { })
            .OpenAsync(SourceAddress.Parse(TestData.Sample("clip.avi")), token);
        var expected = Expected("nano").GetProperty("clip").EnumerateArray().ToList();
        int index = 0;
        await foreach (var item in clip.ReadAsync(token))
        {
            var frame = Assert.IsType<PixelItem>(item);
            var analysis = await nano.Engine.AnalyzedAsync(Frames.Bgr(frame.Pixels.ToArray(), (int)frame.Format.Width, (int)frame.Format.Height));

            Assert.Equal(expected[index].GetProperty("score").GetDouble(), analysis.Score, ScoreTolerance);
            Assert.Equal(expected[index].GetProperty("area").GetInt64(), analysis.Mask!.Area, 1e-4 * analysis.Width * analysis.Height);
            index++;
        }

        Assert.Equal(expected.Count, index);
    }

    private static async Task CheckAsync(LoupeEngine engine, string path, JsonElement expected)
    {
        byte[] file = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var analysis = await engine.AnalyzedAsync(new EncodedInput(file));

        Assert.Equal(expected.GetProperty("width").GetInt32(), analysis.Width);
        Assert.Equal(expected.GetProperty("height").GetInt32(), analysis.Height);
        Assert.Equal(expected.GetProperty("score").GetDouble(), analysis.Score, ScoreTolerance);
        Assert.Equal(analysis.Mask!.Area, RunLength.Area(analysis.Mask.Data.Span, analysis.Height, analysis.Width));
        string? difference = GoldenMask.Compare(expected.GetProperty("counts").GetString()!, analysis.Mask.Data.Span, analysis.Width, analysis.Height);
        Assert.True(difference is null, $"{Path.GetFileName(path)}: {difference}");
        Assert.Equal(SHA256.HashData(file), analysis.Sha256.ToArray());
    }

    private static JsonElement Expected(string folder) =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Golden(folder, "expected.json"))).RootElement;
}
