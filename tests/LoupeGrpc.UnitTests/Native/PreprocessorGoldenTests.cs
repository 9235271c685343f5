using System.Text.Json;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

/// <summary>The authors' preprocessing of every file of <c>tests/data/preprocess</c>.</summary>
public sealed class PreprocessorGoldenTests
{
    // OpenCV turns CMYK into RGB otherwise than Pillow does. All other files, also those with losses, are the same pixels.
    private const string DecodedOtherwise = "cmyk-320x240.jpg";

    private static readonly JsonElement[] Index =
        [.. JsonDocument.Parse(File.ReadAllBytes(TestData.Golden("preprocess", "index.json"))).RootElement.EnumerateArray()];

    public static TheoryData<string> Files() => [.. Index.Select(entry => entry.GetProperty("file").GetString()!)];

    [Fact]
    public void The_index_lists_every_picture()
    {
        var onDisk = Directory.GetFiles(TestData.Golden("preprocess"))
            .Select(path => Path.GetFileName(path))
            .Where(name => Path.GetExtension(name) is not (".json" or ".safetensors"));

        Assert.Equal(onDisk.Order(StringComparer.Ordinal), Files().Select(row => row.Data).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_picture_becomes_the_authors_bytes(string file)
    {
        var entry = Index.Single(candidate => candidate.GetProperty("file").GetString() == file);
        using var bgr = Decode(file);
        Assert.Equal(entry.GetProperty("width").GetInt32(), bgr.Width);
        Assert.Equal(entry.GetProperty("height").GetInt32(), bgr.Height);
        using var rgb = bgr.CvtColor(ColorConversionCodes.BGR2RGB);
        Assert.Equal(file != DecodedOtherwise, Crc32.Of(Pictures.BytesOf(rgb)) == entry.GetProperty("rgb_crc32").GetUInt32());

        foreach (var expected in entry.GetProperty("sizes").EnumerateArray())
        {
            var size = expected.GetProperty("size").GetInt32();
            var bytes = new byte[3 * size * size];
            using var preprocessor = new Preprocessor(size);
            preprocessor.ToChwBytes(new PixelSource(PixelFormat.Bgr24, bgr.Width, bgr.Height, Pictures.BytesOf(bgr), bgr.Width * 3), bytes);

            if (file == DecodedOtherwise)
            {
                Assert.InRange(MeanDifference(bytes, entry.GetProperty("rgb_mean")), 0, 1.5);
            }
            else
            {
                Assert.Equal(expected.GetProperty("crc32_chw_rgb_u8").GetUInt32(), Crc32.Of(bytes));
            }
        }
    }

    [Fact]
    public void Bytes_are_those_of_the_reference_tensors()
    {
        using var tensors = SafetensorsFile.Open(TestData.Golden("preprocess", "expected.safetensors"));
        foreach (var tensor in tensors.Tensors.Values.Where(tensor => tensor.Name != "lut"))
        {
            var (file, size) = (tensor.Name.Split('/')[0], int.Parse(tensor.Name.Split('/')[1]));
            if (file == DecodedOtherwise)
            {
                continue;
            }

            var expected = new byte[tensor.ByteLength];
            tensors.Read(tensor.Name, expected);
            var actual = new byte[expected.Length];
            using var bgr = Decode(file);
            using var preprocessor = new Preprocessor(size);
            preprocessor.ToChwBytes(new PixelSource(PixelFormat.Bgr24, bgr.Width, bgr.Height, Pictures.BytesOf(bgr), bgr.Width * 3), actual);
            Assert.True(expected.AsSpan().SequenceEqual(actual), tensor.Name);
        }
    }

    [Fact]
    public void Normalisation_is_the_authors_table()
    {
        using var tensors = SafetensorsFile.Open(TestData.Golden("preprocess", "expected.safetensors"));
        var table = tensors.ReadFloats("lut");
        var ramp = Enumerable.Range(0, 256).Select(value => (byte)value).ToArray();
        var values = new float[3 * 256];
        using var preprocessor = new Preprocessor(16);

        preprocessor.ToNchw(new PixelSource(PixelFormat.Gray8, 16, 16, ramp, 16), values);

        Assert.Equal([.. table, .. table, .. table], values);
    }

    private static Mat Decode(string file)
    {
        var path = TestData.Golden("preprocess", file);
        if (file.StartsWith("gray16", StringComparison.Ordinal))
        {
            // Pillow clips 16 bits to 8, and the reference with it; what the product does instead is not at issue here.
            using var deep = Cv2.ImRead(path, ImreadModes.Unchanged);
            using var clipped = new Mat();
            deep.ConvertTo(clipped, MatType.CV_8U);
            return clipped.CvtColor(ColorConversionCodes.GRAY2BGR);
        }

        var mat = Cv2.ImRead(path, ImreadModes.Color | ImreadModes.IgnoreOrientation);
        Assert.False(mat.Empty(), $"OpenCV does not decode {file}.");
        return mat;
    }

    private static double MeanDifference(byte[] channels, JsonElement means)
    {
        var plane = channels.Length / 3;
        return Enumerable.Range(0, 3).Max(channel => Math.Abs(
            channels.Skip(channel * plane).Take(plane).Average(value => (double)value) - means[channel].GetDouble()));
    }
}
