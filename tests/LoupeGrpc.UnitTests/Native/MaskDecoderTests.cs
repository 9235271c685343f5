using System.Text;
using System.Text.Json;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

public sealed class MaskDecoderTests
{
    // How close to the threshold the reference's own rounding may decide.
    private const float Undecided = 1e-5f;

    private static readonly JsonElement[] Expected =
        [.. JsonDocument.Parse(File.ReadAllBytes(TestData.Golden("postprocess", "expected.json"))).RootElement.EnumerateArray()];

    public static TheoryData<string, int, int> Sizes()
    {
        var data = new TheoryData<string, int, int>();
        foreach (var item in Expected)
        {
            data.Add(item.GetProperty("case").GetString()!, item.GetProperty("width").GetInt32(), item.GetProperty("height").GetInt32());
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Masks_are_the_authors_but_where_rounding_decides(string name, int width, int height)
    {
        var item = Expected.Single(candidate => candidate.GetProperty("case").GetString() == name
            && candidate.GetProperty("width").GetInt32() == width && candidate.GetProperty("height").GetInt32() == height);
        var expected = new byte[width * height];
        RunLength.Decode(Encoding.ASCII.GetBytes(item.GetProperty("counts").GetString()!), height, width, expected);
        var logits = Logits.Read(name);
        var mask = new byte[width * height];
        var soft = new float[width * height];

        using var decoder = new MaskDecoder();
        var area = logits.Decode(decoder, width, height, mask, soft);

        Assert.Equal(mask.LongCount(value => value == 1), area);
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] != expected[i] && Math.Abs(soft[i] - 0.5f) > Undecided)
            {
                Assert.Fail($"Pixel {i} is {mask[i]} with a soft value of {soft[i]}.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_soft_map_within_the_mask_changes_nothing_there(string name, int width, int height)
    {
        var logits = Logits.Read(name);
        using var decoder = new MaskDecoder();
        var (mask, within, soft, softWithin) = (new byte[width * height], new byte[width * height], new float[width * height], new float[width * height]);

        long area = logits.Decode(decoder, width, height, mask, soft);

        Assert.Equal(area, logits.Decode(decoder, width, height, within, softWithin, softWithinMask: true));
        Assert.Equal(mask, within);
        Assert.All(Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1), i => Assert.Equal(soft[i], softWithin[i]));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    public void Soft_maps_are_the_authors(string name)
    {
        using var tensors = SafetensorsFile.Open(TestData.Golden("postprocess", "cases.safetensors"));
        var expected = tensors.ReadFloats($"{name}.soft");
        var soft = new float[expected.Length];

        using var decoder = new MaskDecoder();
        Logits.Read(name).Decode(decoder, 384, 384, new byte[soft.Length], soft);

        Assert.InRange(expected.Zip(soft, (a, b) => Math.Abs(a - b)).Max(), 0, 2e-6f);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(900, 30)]
    [InlineData(2, 700)]
    public void The_mask_is_the_same_without_a_soft_map_and_after_other_sizes(int width, int height)
    {
        var logits = Logits.Read("c");
        using var decoder = new MaskDecoder();
        var (first, second, soft) = (new byte[width * height], new byte[width * height], new float[width * height]);

        logits.Decode(decoder, width, height, first, soft);
        Logits.Read("a").Decode(decoder, 131, 97, new byte[131 * 97], []);
        logits.Decode(decoder, width, height, second, []);

        Assert.Equal(first, second);
        Assert.Equal(soft.Select(value => (byte)(value > 0.5f ? 1 : 0)), first);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Logits_that_are_not_finite_are_refused(float value)
    {
        using var decoder = new MaskDecoder();
        var logits = Logits.Read("c");
        var broken = logits with { Mask = [.. logits.Mask[..^1], value] };
        var exception = Assert.Throws<NativeException>(() => broken.Decode(decoder, 8, 8, new byte[64], []));
        Assert.Equal(NativeStatus.NotFinite, exception.Status);

        broken = logits with { Class = [.. logits.Class[..^1], value] };
        exception = Assert.Throws<NativeException>(() => broken.Decode(decoder, 8, 8, new byte[64], []));
        Assert.Equal(NativeStatus.NotFinite, exception.Status);
        Assert.Contains("class logit", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Extreme_logits_saturate()
    {
        using var decoder = new MaskDecoder(4);
        var soft = new float[2];

        decoder.Decode([float.MaxValue, float.MinValue], [1000, -1000], 1, 1, 2, 2, 1, 0.5f, new byte[2], soft);

        Assert.Equal(1, soft[0]);
        Assert.InRange(soft[1], 0, 1e-38f);
    }

    [Fact]
    public void Spans_that_do_not_match_their_dimensions_are_refused()
    {
        using var decoder = new MaskDecoder();
        Assert.Throws<ArgumentException>("maskLogits", () => decoder.Decode(new float[7], new float[2], 1, 2, 4, 2, 2, 0.5f, new byte[4]));
        Assert.Throws<ArgumentException>("classLogits", () => decoder.Decode(new float[8], new float[3], 1, 2, 4, 2, 2, 0.5f, new byte[4]));
        Assert.Throws<ArgumentException>("mask", () => decoder.Decode(new float[8], new float[2], 1, 2, 4, 2, 2, 0.5f, new byte[3]));
        Assert.Throws<ArgumentException>("soft", () => decoder.Decode(new float[8], new float[2], 1, 2, 4, 2, 2, 0.5f, new byte[4], new float[5]));
        var exception = Assert.Throws<NativeException>(() => decoder.Decode([], [], 0, 2, 4, 2, 2, 0.5f, new byte[4]));
        Assert.Contains("number of queries is 0", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<NativeException>(() => decoder.Decode(new float[8], new float[2], 1, 2, 4, 2, 2, float.NaN, new byte[4]));
        Assert.Contains("threshold", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<NativeException>(() => new MaskDecoder(0));
        Assert.Contains("decode size is 0", exception.Message, StringComparison.Ordinal);
    }

    private sealed record Logits(float[] Mask, float[] Class, int Queries, int Height, int Width)
    {
        public static Logits Read(string name)
        {
            using var tensors = SafetensorsFile.Open(TestData.Golden("postprocess", "cases.safetensors"));
            var shape = tensors.Tensors[$"{name}.mask_logits"].Shape;
            return new Logits(
                tensors.ReadFloats($"{name}.mask_logits"),
                tensors.ReadFloats($"{name}.class_logits"),
                (int)shape[0],
                (int)shape[1],
                (int)shape[2]);
        }

        public long Decode(MaskDecoder decoder, int width, int height, byte[] mask, float[] soft, bool softWithinMask = false) =>
            decoder.Decode(Mask, Class, Queries, Height, Width, width, height, 0.5f, mask, soft, softWithinMask);
    }
}
