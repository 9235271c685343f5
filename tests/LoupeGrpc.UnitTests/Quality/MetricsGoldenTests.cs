using System.Text.Json;
using LoupeGrpc.Quality;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Quality;

/// <summary>The challenge's metrics as the authors' tools compute them: <c>tests/data/metrics</c>.</summary>
public sealed class MetricsGoldenTests
{
    private const double Tolerance = 1e-6;

    private static readonly JsonElement[] Golden = [.. JsonDocument.Parse(File.ReadAllText(TestData.Golden("metrics", "cases.json"))).RootElement.EnumerateArray()];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Golden.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Figures_are_those_of_the_authors_tools(int index)
    {
        var figures = QualityFigures.Of([.. Golden[index].GetProperty("images").EnumerateArray().Select(Judge)]);

        var expected = Golden[index].GetProperty("expected");
        Assert.Equal(
            [Of("auc"), Of("accuracy"), Of("f1_image"), Of("f1_pixel"), Of("mean_iou"), Of("overall")],
            [figures.Auc, figures.Accuracy, figures.ImageF1, figures.F1, figures.Iou, figures.Overall],
            static (a, b) => Math.Abs(a!.Value - b!.Value) <= Tolerance);

        double? Of(string name) => expected.GetProperty(name).GetDouble();
    }

    private static JudgedPicture Judge(JsonElement image) => new(
        image.GetProperty("label").GetInt32() == 1,
        image.GetProperty("score").GetDouble(),
        PixelCounts.Of(Bits(image, "mask"), Bits(image, "prediction")));

    /// <summary>Packed row by row, the most significant bit first.</summary>
    private static byte[] Bits(JsonElement image, string name)
    {
        var packed = image.GetProperty(name).GetBytesFromBase64();
        var pixels = image.GetProperty("height").GetInt32() * image.GetProperty("width").GetInt32();
        return [.. Enumerable.Range(0, pixels).Select(pixel => (byte)((packed[pixel / 8] >> (7 - (pixel % 8))) & 1))];
    }
}
