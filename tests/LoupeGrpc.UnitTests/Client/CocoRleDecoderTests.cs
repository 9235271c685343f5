using System.Text.Json.Nodes;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.Client;

public class CocoRleDecoderTests
{
    [Fact]
    public void Every_reference_mask_is_decoded_pixel_by_pixel()
    {
        var cases = JsonNode.Parse(File.ReadAllText(TestData.Golden("rle", "cases.json")))!.AsArray();
        Assert.NotEmpty(cases);
        Assert.All(cases, reference =>
        {
            var height = (uint)reference!["height"]!;
            var width = (uint)reference["width"]!;

            var mask = CocoRleDecoder.Decode(new CocoRle { Size = { height, width }, Counts = (string)reference["counts"]! });

            Assert.Equal(((int)height, (int)width), (mask.Height, mask.Width));
            Assert.Equal(Bits(reference), mask.Pixels);
        });
    }

    [Theory]
    [InlineData(5, 7, "")]
    [InlineData(5, 7, "R1")]
    [InlineData(5, 7, "T1")]
    [InlineData(5, 7, "S")]
    [InlineData(5, 7, "0O")]
    [InlineData(5, 7, "S1 ")]
    [InlineData(5, 7, "S1\u0431")]
    [InlineData(5, 7, "oooooooooooo1")]
    [InlineData(5, 7, "o")]
    [InlineData(0, 7, "1")]
    [InlineData(uint.MaxValue, uint.MaxValue, "0")]
    public void What_is_no_mask_of_that_size_is_refused(uint height, uint width, string counts) =>
        Assert.Throws<InvalidDataException>(() => CocoRleDecoder.Decode(height, width, counts));

    [Fact]
    public void What_every_client_refuses_is_refused()
    {
        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "clients", "scenario", "refused-masks.json")))!.AsArray();
        Assert.NotEmpty(cases);
        Assert.All(cases, static refused => Assert.Throws<InvalidDataException>(
            () => CocoRleDecoder.Decode((uint)refused!["height"]!, (uint)refused["width"]!, (string)refused["counts"]!)));
    }

    [Fact]
    public void A_size_that_is_no_pair_is_refused() =>
        Assert.Throws<InvalidDataException>(() => CocoRleDecoder.Decode(new CocoRle { Size = { 5 }, Counts = "5" }));

    [Fact]
    public void Random_text_is_decoded_or_refused_but_never_breaks_anything()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var counts = string.Create(random.Next(20), random, static (span, source) =>
            {
                for (var j = 0; j < span.Length; j++)
                {
                    span[j] = (char)source.Next(46, 113);
                }
            });
            try
            {
                Assert.Equal(12 * 9, CocoRleDecoder.Decode(12, 9, counts).Pixels.Length);
            }
            catch (InvalidDataException)
            {
                // Refused.
            }
        }
    }

    /// <summary>The reference packs rows from the highest bit on.</summary>
    private static byte[] Bits(JsonNode reference)
    {
        var packed = Convert.FromBase64String((string)reference["bits"]!);
        var pixels = new byte[(int)reference["height"]! * (int)reference["width"]!];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (packed[i / 8] >> (7 - (i % 8)) & 1) == 1 ? BinaryMask.Forged : (byte)0;
        }

        return pixels;
    }
}
