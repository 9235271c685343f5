using System.Text;
using System.Text.RegularExpressions;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Explanations;

/// <summary>docs/protocol.md has each code with its numbers, as the rules give them. After a change: run this with LOUPE_UPDATE_DOCUMENTS=1 in the environment.</summary>
public sealed partial class ExplanationDocumentTests
{
    private static readonly string Path = System.IO.Path.Combine(TestData.RepositoryRoot, "docs", "protocol.md");

    [Fact]
    public async Task The_document_has_every_code_and_every_number()
    {
        var written = await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken);
        Assert.Single(Tables().Matches(written));
        var expected = Tables().Replace(written, match => $"{match.Groups["begin"].Value}\n{Codes()}\n{Numbers()}{match.Groups["end"].Value}");

        if (Environment.GetEnvironmentVariable("LOUPE_UPDATE_DOCUMENTS") == "1")
        {
            await File.WriteAllTextAsync(Path, expected, TestContext.Current.CancellationToken);
        }
        else
        {
            Assert.Equal(expected, written);
        }
    }

    private static string Codes()
    {
        var table = new StringBuilder("| code | in English, of some picture | numbers |\n|---|---|---|\n");
        foreach (var code in Enum.GetValues<ExplanationCode>())
        {
            var (picture, _, numbers) = ExplanationCases.All[code];
            var text = Explainer.Explain(picture, LoupeGrpc.Engine.VerdictThresholds.Default, ExplanationLanguage.English).Single(sentence => sentence.Code == code).Text;
            table.Append($"| `{WireName.Of(code)}` | {text} | {string.Join(", ", numbers.Select(static number => $"`{number.Name}`"))} |\n");
        }

        return table.ToString();
    }

    private static string Numbers()
    {
        var table = new StringBuilder("| number | what it is |\n|---|---|\n");
        foreach (var (name, (_, meaning)) in NumberKinds.All)
        {
            table.Append($"| `{name}` | {meaning} |\n");
        }

        return table.ToString();
    }

    [GeneratedRegex("(?<begin><!-- explanations: [^>]+-->)\n.*?(?<end><!-- /explanations -->)", RegexOptions.Singleline)]
    private static partial Regex Tables();
}
