using System.Text.Json;
using LoupeGrpc.Quality;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Quality;

/// <summary>Fits, intervals and promises as scipy has them, which gets there by other ways: <c>tests/data/calibration</c>.</summary>
public sealed class CalibrationGoldenTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllText(TestData.Golden("calibration", "cases.json"))).RootElement;

    public static TheoryData<int> Fits => [.. Enumerable.Range(0, Golden.GetProperty("fits").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Fits))]
    public void Slope_and_offset_are_those_of_the_reference(int index)
    {
        var golden = Golden.GetProperty("fits")[index];
        List<JudgedLogit> pictures =
        [
            .. golden.GetProperty("logits").EnumerateArray().Zip(
                golden.GetProperty("labels").EnumerateArray(), static (logit, label) => new JudgedLogit(label.GetInt32() == 1, IsTiled: false, logit.GetDouble())),
        ];

        var fit = LogisticFit.Of(pictures)!.Value;
        var errors = CalibrationErrors.Of(pictures.ConvertAll(picture => picture with { Logit = (fit.Slope * picture.Logit) + fit.Offset }))!.Value;

        AssertNear(Double("slope"), fit.Slope);
        AssertNear(Double("offset"), fit.Offset);
        AssertNear(Double("log_loss"), errors.LogLoss);
        AssertNear(Double("calibration_error"), errors.ExpectedError);

        double Double(string name) => golden.GetProperty(name).GetDouble();
        static void AssertNear(double expected, double actual) => Assert.Equal(expected, actual, 1e-6 * Math.Max(1, Math.Abs(expected)));
    }

    [Fact]
    public void Intervals_are_those_of_Clopper_and_Pearson()
    {
        foreach (var golden in Golden.GetProperty("intervals").EnumerateArray())
        {
            var interval = Binomial.IntervalOf(golden.GetProperty("count").GetInt32(), golden.GetProperty("of").GetInt32());

            Assert.Equal(golden.GetProperty("low").GetDouble(), interval.Low, 1e-9);
            Assert.Equal(golden.GetProperty("high").GetDouble(), interval.High, 1e-9);
        }
    }

    [Fact]
    public void A_promise_allows_as_many_as_the_distribution_of_order_statistics()
    {
        foreach (var golden in Golden.GetProperty("promises").EnumerateArray())
        {
            var confidence = golden.GetProperty("confidence") is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : (double?)null;
            var promise = new RatePromise(golden.GetProperty("rate").GetDouble(), confidence);
            var sample = golden.GetProperty("sample").GetInt32();

            Assert.Equal(golden.GetProperty("allowed").GetInt32(), promise.Allowed(sample) ?? -1);
            Assert.Equal(sample >= promise.Needed, promise.Allowed(sample) is not null);
        }
    }
}
