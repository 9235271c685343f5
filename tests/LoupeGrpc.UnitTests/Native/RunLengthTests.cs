using System.Buffers;
using System.Text;
using System.Text.Json;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

public sealed class RunLengthTests
{
    private static readonly JsonElement[] Cases =
        [.. JsonDocument.Parse(File.ReadAllBytes(TestData.Golden("rle", "cases.json"))).RootElement.EnumerateArray()];

    public static TheoryData<string> Names() => [.. Cases.Select(item => item.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Counts_are_pycocotools_own(string name)
    {
        var (height, width, counts, mask, item) = Case(name);

        Assert.Equal(Encoding.ASCII.GetString(counts), RunLength.Encode(mask, width, height, width));
        var decoded = new byte[mask.Length];
        RunLength.Decode(counts, height, width, decoded);
        Assert.True(mask.AsSpan().SequenceEqual(decoded));
        Assert.Equal(item.GetProperty("area").GetInt64(), RunLength.Area(counts, height, width));
        var box = item.GetProperty("bbox").EnumerateArray().Select(value => (int)value.GetDouble()).ToArray();
        Assert.Equal(new PixelBox(box[0], box[1], box[2], box[3]), RunLength.BoundingBox(counts, height, width));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_mask_merged_with_itself_or_with_nothing_is_known(string name)
    {
        var (height, width, counts, mask, item) = Case(name);
        var nothing = Encoding.ASCII.GetBytes(RunLength.Encode(new byte[mask.Length], width, height, width));

        Assert.Equal(counts, RunLength.Merge(counts, counts, height, width, MaskOperation.Union));
        Assert.Equal(counts, RunLength.Merge(counts, counts, height, width, MaskOperation.Intersection));
        Assert.Equal(counts, RunLength.Merge(nothing, counts, height, width, MaskOperation.Union));
        Assert.Equal(nothing, RunLength.Merge(counts, nothing, height, width, MaskOperation.Intersection));
        Assert.Equal(item.GetProperty("area").GetInt64() == 0 ? 0.0 : 1.0, RunLength.Iou(counts, counts, height, width));
        Assert.Equal(0.0, RunLength.Iou(counts, nothing, height, width));
    }

    [Fact]
    public void Merge_and_iou_are_those_of_the_pixels()
    {
        var random = new Random(7);
        for (var round = 0; round < 50; round++)
        {
            var (height, width) = (random.Next(1, 90), random.Next(1, 90));
            var (first, second) = (Blotches(random, height * width), Blotches(random, height * width));
            var union = first.Zip(second, (a, b) => (byte)(a | b)).ToArray();
            var intersection = first.Zip(second, (a, b) => (byte)(a & b)).ToArray();
            var (firstCounts, secondCounts) = (Counts(first, width, height), Counts(second, width, height));

            Assert.Equal(Counts(union, width, height), RunLength.Merge(firstCounts, secondCounts, height, width, MaskOperation.Union));
            Assert.Equal(Counts(intersection, width, height), RunLength.Merge(firstCounts, secondCounts, height, width, MaskOperation.Intersection));
            var either = union.Count(value => value != 0);
            var expected = either == 0 ? 0 : (double)intersection.Count(value => value != 0) / either;
            Assert.Equal(expected, RunLength.Iou(firstCounts, secondCounts, height, width));
        }
    }

    [Fact]
    public void Rows_may_have_gaps_and_any_value_but_zero_is_forged()
    {
        byte[] mask = [0, 255, 7, 9, 9, 0, 128, 0];

        Assert.Equal(RunLength.Encode([0, 1, 1, 0, 1, 0], 3, 2, 3), RunLength.Encode(mask, 3, 2, 5));
    }

    [Theory]
    [InlineData("", "end 12 pixels before")]
    [InlineData("S1", "ends beyond")] // 35 pixels
    [InlineData(";", "end 1 pixels before")] // 11
    [InlineData("<0", null)] // 12 and an empty run
    [InlineData("O", "negative")] // -1
    [InlineData("l", "end within a run")] // a group that announces another
    [InlineData("oooooooo0", "longer than any mask")]
    [InlineData("ooooooo0", "longer than any mask")]
    [InlineData("< ", "must be 48 to 111")]
    [InlineData("<p", "must be 48 to 111")]
    [InlineData("111N", "negative")] // 1, 1, 1 and two less than the second
    [InlineData("1110O", "end 8 pixels before")] // 1, 1, 1, 1 and an empty run: one less than the third
    public void Malformed_counts_are_refused(string counts, string? reason)
    {
        var bytes = Encoding.ASCII.GetBytes(counts);
        var mask = new byte[12];
        if (reason is null)
        {
            RunLength.Decode(bytes, 4, 3, mask);
            return;
        }

        mask.AsSpan().Fill(9);
        var exception = Assert.Throws<NativeException>(() => RunLength.Decode(bytes, 4, 3, mask));
        Assert.Equal(NativeStatus.Malformed, exception.Status);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.All(mask, value => Assert.Equal(9, value));
        Assert.Throws<NativeException>(() => RunLength.Area(bytes, 4, 3));
        Assert.Throws<NativeException>(() => RunLength.BoundingBox(bytes, 4, 3));
        Assert.Throws<NativeException>(() => RunLength.Merge(bytes, "<"u8, 4, 3, MaskOperation.Union));
        Assert.Throws<NativeException>(() => RunLength.Merge("<"u8, bytes, 4, 3, MaskOperation.Intersection));
        Assert.Throws<NativeException>(() => RunLength.Iou("<"u8, bytes, 4, 3));
    }

    [Fact]
    public void Random_counts_are_either_refused_or_fill_the_mask()
    {
        var random = new Random(11);
        var mask = new byte[64 * 48];
        for (var round = 0; round < 20_000; round++)
        {
            var counts = new byte[random.Next(1, 12)];
            for (var i = 0; i < counts.Length; i++)
            {
                counts[i] = (byte)random.Next(47, 113);
            }

            try
            {
                RunLength.Decode(counts, 48, 64, mask);
                Assert.Equal(RunLength.Area(counts, 48, 64), mask.Count(value => value == 1));
            }
            catch (NativeException exception)
            {
                Assert.Equal(NativeStatus.Malformed, exception.Status);
            }
        }
    }

    [Theory]
    [InlineData(0, 4, 4, 16)]
    [InlineData(4, 0, 4, 16)]
    [InlineData(65536, 1, 65536, 65536)]
    [InlineData(65535, 65535, 65535, 16)]
    [InlineData(4, 4, 3, 16)]
    [InlineData(4, 4, 4, 15)]
    [InlineData(4, 4, int.MaxValue, 16)]
    [InlineData(4, 4, -4, 16)]
    public void A_mask_that_does_not_fit_its_size_is_refused(int width, int height, int stride, int length)
    {
        var exception = Assert.Throws<NativeException>(() => RunLength.Encode(new byte[length], width, height, stride));
        Assert.Equal(NativeStatus.InvalidArgument, exception.Status);
    }

    [Fact]
    public void A_destination_that_is_too_short_tells_the_length_needed()
    {
        var (height, width, counts, mask, _) = Case("blobs-0");

        Assert.False(RunLength.TryEncode(mask, width, height, width, new byte[counts.Length - 1], out var needed));
        Assert.Equal(counts.Length, needed);
        var destination = new byte[counts.Length];
        Assert.True(RunLength.TryEncode(mask, width, height, width, destination, out var written));
        Assert.Equal(counts.Length, written);
        Assert.Equal(counts, destination);
    }

    [Fact]
    public void Counts_longer_than_the_first_guess_arrive_whole()
    {
        var mask = Pictures.Noise(200 * 300, 3).Select(value => (byte)(value & 1)).ToArray();
        var writer = new ArrayBufferWriter<byte>();

        var written = RunLength.Encode(mask, 300, 200, 300, writer);

        Assert.InRange(written, 20_000, 60_000);
        Assert.Equal(RunLength.Encode(mask, 300, 200, 300), Encoding.ASCII.GetString(writer.WrittenSpan));
        var decoded = new byte[mask.Length];
        RunLength.Decode(writer.WrittenSpan, 200, 300, decoded);
        Assert.Equal(mask, decoded);
    }

    private static (int Height, int Width, byte[] Counts, byte[] Mask, JsonElement Item) Case(string name)
    {
        var item = Cases.Single(candidate => candidate.GetProperty("name").GetString() == name);
        var (height, width) = (item.GetProperty("height").GetInt32(), item.GetProperty("width").GetInt32());
        var bits = item.GetProperty("bits").GetBytesFromBase64();
        var mask = new byte[height * width];
        for (var i = 0; i < mask.Length; i++)
        {
            mask[i] = (byte)((bits[i / 8] >> (7 - (i % 8))) & 1);
        }

        return (height, width, Encoding.ASCII.GetBytes(item.GetProperty("counts").GetString()!), mask, item);
    }

    private static byte[] Counts(byte[] mask, int width, int height) =>
        Encoding.ASCII.GetBytes(RunLength.Encode(mask, width, height, width));

    // Stretches of one value, so that runs have all lengths.
    private static byte[] Blotches(Random random, int length)
    {
        var mask = new byte[length];
        for (int i = 0, value = random.Next(2); i < length; value ^= 1)
        {
            var end = Math.Min(length, i + random.Next(1, 40));
            mask.AsSpan(i, end - i).Fill((byte)value);
            i = end;
        }

        return mask;
    }
}
