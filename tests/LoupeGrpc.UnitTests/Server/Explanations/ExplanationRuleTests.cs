using LoupeGrpc.Engine;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Explanations;
using Xunit;
using ExplanationCode = LoupeGrpc.Server.Explanations.ExplanationCode;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.UnitTests.Server.Explanations;

/// <summary>Every rule and every text, one by one: what has no case here fails.</summary>
public sealed class ExplanationRuleTests
{
    /// <summary>Numbers that do not come from a picture, as they stand in texts.</summary>
    private static readonly Dictionary<ExplanationCode, string> Constants = new()
    {
        [ExplanationCode.BitDepthReduced] = "8",
        [ExplanationCode.Compressed] = "100",
        [ExplanationCode.Squeezed] = "1",
    };

    public static TheoryData<string> Codes => [.. Enum.GetNames<ExplanationCode>()];

    public static TheoryData<string> Languages => [.. Enum.GetNames<ExplanationLanguage>()];

    [Fact]
    public void Each_code_has_one_rule_and_a_case()
    {
        var codes = Enum.GetValues<ExplanationCode>().Order();

        Assert.Equal(codes, Explainer.Rules.Select(static rule => rule.Code).Order());
        Assert.Equal(codes, ExplanationCases.All.Keys.Order());
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_sentence_is_there_where_its_fact_is_and_nowhere_else(string name)
    {
        var code = Enum.Parse<ExplanationCode>(name);
        var (picture, without, numbers) = ExplanationCases.All[code];

        var said = Assert.Single(Explain(picture), sentence => sentence.Code == code);

        Assert.Equal(numbers.Select(static number => number.Name), said.Numbers.Select(static number => number.Name));
        Assert.All(numbers.Zip(said.Numbers), static pair => Assert.Equal(pair.First.Value, pair.Second.Value, 1e-9));
        Assert.NotEmpty(without);
        Assert.All(without, other => Assert.DoesNotContain(Explain(other), sentence => sentence.Code == code));
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_text_has_the_numbers_of_its_fact_and_no_other(string name)
    {
        var code = Enum.Parse<ExplanationCode>(name);
        var (picture, _, numbers) = ExplanationCases.All[code];
        Assert.All(Enum.GetValues<ExplanationLanguage>(), language =>
        {
            var template = LanguageTexts.Of(language).Sentences[code];
            var placed = Sentence.Place().Matches(template).Select(static place => place.Groups["name"].Value).ToHashSet();
            // What a score is compared with may be told by the sentence before it.
            Assert.Subset(numbers.Select(static number => number.Name).ToHashSet(), placed);
            var rest = Sentence.Place().Replace(template, "");
            Assert.DoesNotContain(rest, static letter => letter is '{' or '}' or '|');
            Assert.Contains(string.Concat(rest.Where(char.IsDigit)), (string[])["", Constants.GetValueOrDefault(code, "")]);

            var text = Explain(picture, language).Single(sentence => sentence.Code == code).Text;
            Assert.True(text[^1] is '.' or '。' && char.IsLetter(text[0]) | char.IsDigit(text[0]), text);
            Assert.DoesNotContain(text, static letter => letter is '{' or '}');
            Assert.Equal(language == ExplanationLanguage.Chinese, text.Any(static letter => letter is >= '\u4E00' and <= '\u9FFF'));
        });
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void A_language_has_a_text_for_each_code_and_none_twice(string name)
    {
        var texts = LanguageTexts.Of(Enum.Parse<ExplanationLanguage>(name));

        Assert.Equal(Enum.GetValues<ExplanationCode>().Order(), texts.Sentences.Keys.Order());
        Assert.Equal(texts.Sentences.Count, texts.Sentences.Values.Distinct().Count());
        Assert.Equal(9, texts.FieldNames.Distinct().Count());
    }

    [Fact]
    public void Every_number_is_described_and_used() => Assert.Equal(
        NumberKinds.All.Keys.Order(StringComparer.Ordinal),
        ExplanationCases.All.Values.SelectMany(static one => one.Numbers).Select(static number => number.Name).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Codes_are_those_of_the_contract() => Assert.Equal(
        Enum.GetValues<Wire.ExplanationCode>().Where(static code => code != Wire.ExplanationCode.Unspecified).Select(static code => ((int)code, code.ToString())),
        Enum.GetValues<ExplanationCode>().Select(static code => ((int)code, code.ToString())));

    /// <summary>A frame that was analysed before anybody asked for words has its score alone.</summary>
    [Fact]
    public void Where_nothing_was_measured_nothing_is_said_of_it() => Assert.Equal(
        [ExplanationCode.ScoreAuthentic],
        Explain(ExplanationCases.All[ExplanationCode.PatchesAgree].Picture with { Evidence = null }).Select(static sentence => sentence.Code));

    [Fact]
    public void The_verdict_comes_first()
    {
        var sentences = Explain(ExplanationCases.All[ExplanationCode.StrongestRegion].Picture with { Orientation = 3 });

        Assert.Equal(ExplanationCode.ScoreAuthentic, sentences[0].Code);
        Assert.Equal(ExplanationCode.Turned, sentences[^1].Code);
    }

    private static List<LoupeGrpc.Server.Explanations.Explanation> Explain(FrameAnalysis picture, ExplanationLanguage language = ExplanationLanguage.English) =>
        [.. Explainer.Explain(picture, VerdictThresholds.Default, language)];
}
