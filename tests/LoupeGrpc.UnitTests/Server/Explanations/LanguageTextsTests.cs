using LoupeGrpc.Server.Explanations;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Explanations;

/// <summary>How numbers are written.</summary>
public sealed class LanguageTextsTests
{
    [Theory]
    [InlineData("score", 0.93121, "0.931", "0.931")]
    [InlineData("score", 0.4059, "0.406", "0.406")]
    [InlineData("score", 0.6, "0.6", "0.6")]
    [InlineData("score", 0.7, "0.7", "0.7")]
    [InlineData("score", 0.0004, "less than 0.001", "不到 0.001")]
    [InlineData("score", 0, "0", "0")]
    [InlineData("score", 1, "1", "1")]
    [InlineData("distance", 0, "less than 0.001", "不到 0.001")]
    [InlineData("distance", 0.0123, "0.012", "0.012")]
    [InlineData("share", 0, "0%", "0%")]
    [InlineData("share", 0.0004, "less than 0.1%", "不到 0.1%")]
    [InlineData("share", 0.0123, "1.2%", "1.2%")]
    [InlineData("share", 0.72499, "72%", "72%")]
    [InlineData("share", 0.9951, "more than 99%", "99% 以上")]
    [InlineData("share", 1, "100%", "100%")]
    [InlineData("factor", 2.86, "2.9", "2.9")]
    [InlineData("factor", 17.4, "17", "17")]
    [InlineData("pixels", 12345, "12,345", "12345")]
    [InlineData("mean", 0.8449, "0.84", "0.84")]
    [InlineData("drift", 0.01249, "0.0125", "0.0125")]
    [InlineData("field", 1, "in the top left", "左上角")]
    [InlineData("field", 9, "in the bottom right", "右下角")]
    public void A_number_is_written_as_its_kind_is(string name, double value, string english, string chinese)
    {
        Assert.Equal(english, Write(EnglishTexts.All, $"{{{name}}}", name, value));
        Assert.Equal(chinese, Write(ChineseTexts.All, $"{{{name}}}", name, value));
    }

    /// <summary>Not even by rounding.</summary>
    [Fact]
    public void A_score_below_a_threshold_is_never_shown_as_if_it_reached_it() => Assert.Equal(
        "The score of 0.599 lies between 0.4 and 0.6: the model cannot tell.",
        EnglishTexts.All.Write(ExplanationCode.ScoreUncertain, [new Number("score", 0.5999), new Number("low", 0.4), new Number("high", 0.6)]));

    [Theory]
    [InlineData(1, "1 tile")]
    [InlineData(2, "2 tiles")]
    public void Words_go_with_their_number(double tiles, string expected) =>
        Assert.Equal(expected, Write(EnglishTexts.All, "{tiles} {tiles|tile|tiles}", "tiles", tiles));

    private static string Write(LanguageTexts texts, string template, string name, double value) =>
        (texts with { Sentences = new Dictionary<ExplanationCode, string> { [ExplanationCode.Tiles] = template } }).Write(ExplanationCode.Tiles, [new Number(name, value)]);
}
