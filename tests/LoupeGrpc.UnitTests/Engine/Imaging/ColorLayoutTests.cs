using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

public sealed class ColorLayoutTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private static readonly AnalysisRequest Asked = new() { ColorLayout = true, MaskPolicy = MaskPolicy.Never };

    [Fact]
    public async Task It_is_the_mean_colour_of_each_field_in_red_green_and_blue()
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3);
        for (int field = 0; field < 64; field++)
        {
            using var part = new Mat(picture, new Rect(field % 8 * 40, field / 8 * 30, 40, 30));
            part.SetTo(ColorOf(field));
        }

        var found = await nano.Engine.AnalyzedAsync(new EncodedInput(Png(picture)), Asked);
        Assert.Equal(ColorLayout.Length, found.ColorLayout.Length);
        var inTiles = await nano.Engine.AnalyzedAsync(new EncodedInput(Png(picture)), Asked with { Tiles = new TileRequest(TilePolicy.Native) });
        for (int field = 0; field < 64; field++)
        {
            var color = ColorOf(field);
            for (int channel = 0; channel < 3; channel++)
            {
                // The model's input is resized: fields touch their neighbours.
                Assert.InRange(found.ColorLayout.Span[(field * 3) + channel] - color[2 - channel], -6, 6);
                Assert.Equal(color[2 - channel], inTiles.ColorLayout.Span[(field * 3) + channel]);
            }
        }
    }

    [Fact]
    public async Task It_is_there_where_it_is_asked_for_and_changes_nothing()
    {
        var plain = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"));
        var asked = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"), Asked);
        Assert.True(plain.ColorLayout.IsEmpty);
        Assert.Equal(plain.Score, asked.Score);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 700)]
    public async Task Pictures_smaller_than_its_fields_have_one_too(int width, int height)
    {
        using var picture = new Mat(height, width, MatType.CV_8UC3, new Scalar(10, 20, 30));
        foreach (var policy in (TilePolicy[])[TilePolicy.Off, TilePolicy.Native])
        {
            var found = await nano.Engine.AnalyzedAsync(new EncodedInput(Png(picture)), Asked with { Tiles = new TileRequest(policy) });
            Assert.Equal([.. Enumerable.Repeat<byte[]>([30, 20, 10], 64).SelectMany(static color => color)], found.ColorLayout.ToArray());
        }
    }

    private static Scalar ColorOf(int field) => new(40 + (field * 3), 220 - (field * 2), 100 + (field % 8 * 10));

    private static byte[] Png(Mat picture) => picture.ImEncode(".png");
}
