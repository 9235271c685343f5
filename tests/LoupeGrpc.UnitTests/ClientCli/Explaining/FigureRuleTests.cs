using LoupeGrpc.Client.Cli.Explaining;
using LoupeGrpc.Results;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Explaining;

/// <summary>Every rule and every text, one by one: what has no case here fails.</summary>
public sealed class FigureRuleTests
{
    private static readonly string[] Languages = ["en", "zh"];

    public static TheoryData<string> Codes => [.. Enum.GetNames<FigureCode>()];

    [Fact]
    public void Each_code_has_one_rule_and_a_case_and_a_text_of_its_own_in_each_language()
    {
        var codes = Enum.GetValues<FigureCode>().Order().ToList();

        Assert.Equal(codes, FigureRules.All.Select(static rule => rule.Code).Order());
        Assert.Equal(codes, FigureCases.All.Keys.Order());
        Assert.All(Languages, language =>
        {
            Assert.Equal(codes, FigureTexts.Of(language).Sentences.Keys.Order());
            Assert.Equal(codes.Count, FigureTexts.Of(language).Sentences.Values.Distinct().Count());
        });
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_sentence_is_there_where_its_fact_is_and_nowhere_else(string name)
    {
        var code = Enum.Parse<FigureCode>(name);
        var (found, without, facts) = FigureCases.All[code];

        var said = Assert.Single(Explain(found), sentence => sentence.Code == code);

        Assert.Equal(facts.Select(static fact => fact.Name), said.Facts.Select(static fact => fact.Name));
        Assert.All(facts.Zip(said.Facts), static pair => Assert.Equal(pair.First.Value ?? pair.Second.Value, pair.Second.Value, 1e-9));
        Assert.NotEmpty(without);
        Assert.All(without, other => Assert.DoesNotContain(Explain(other), sentence => sentence.Code == code));
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_text_has_the_facts_of_its_rule_and_no_other_number(string name)
    {
        var code = Enum.Parse<FigureCode>(name);
        var (found, _, facts) = FigureCases.All[code];
        Assert.All(Languages, language =>
        {
            var template = FigureTexts.Of(language).Sentences[code];
            Assert.Equal(facts.Select(static fact => fact.Name).ToHashSet(), Sentence.Place().Matches(template).Select(static place => place.Groups["name"].Value).ToHashSet());
            Assert.DoesNotContain(Sentence.Place().Replace(template, ""), static letter => letter is '{' or '}' or '|' || char.IsDigit(letter));

            var text = Explain(found, language).Single(sentence => sentence.Code == code).Text;
            Assert.True(text[^1] is '.' or '。', text);
            Assert.DoesNotContain(text, static letter => letter is '{' or '}');
            Assert.Equal(language == "zh", text.Any(static letter => letter is >= '\u4E00' and <= '\u9FFF'));
        });
    }

    [Fact]
    public void Every_fact_is_described_and_used() => Assert.Equal(
        FactKinds.All.Keys.Order(StringComparer.Ordinal),
        FigureCases.All.Values.SelectMany(static one => one.Facts).Select(static fact => fact.Name).Distinct().Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("auc", 0.8733, "87%", "87%")]
    [InlineData("auc", 0.9951, "more than 99%", "99% 以上")]
    [InlineData("served_false_alarms", 0.0004, "less than 0.1%", "不到 0.1%")]
    [InlineData("ece", 0.0234, "2.3 percentage points", "2.3 个百分点")]
    [InlineData("auc_width", 0.234, "23 percentage points", "23 个百分点")]
    [InlineData("best", 0.46789, "0.468", "0.468")]
    [InlineData("best", 0.0002, "less than 0.001", "不到 0.001")]
    [InlineData("authentic", 12345, "12,345", "12345")]
    public void A_fact_is_written_as_its_kind_is(string name, double value, string english, string chinese) =>
        Assert.Equal([english, chinese], Languages.Select(language => Write(language, new Fact(name, value))));

    [Fact]
    public void A_groups_name_cannot_drive_a_terminal() => Assert.Equal("a\uFFFD[2Jb", Write("en", new Fact("lower_group", 0, "a\u001b[2Jb")));

    private static string Write(string language, Fact fact) =>
        (FigureTexts.Of(language) with { Sentences = new Dictionary<FigureCode, string> { [FigureCode.OnlyForged] = $"{{{fact.Name}}}" } }).Write(FigureCode.OnlyForged, [fact]);

    private static List<FigureSentence> Explain(Findings found, string language = "en") => [.. FigureTexts.Of(language).Explain(found)];
}
