using System.Text;
using System.Text.RegularExpressions;
using LoupeGrpc.Client.Cli.Explaining;
using LoupeGrpc.Results;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Explaining;

/// <summary>docs/evaluation.md has each code with its facts, as the rules give them. After a change: run this with LOUPE_UPDATE_DOCUMENTS=1 in the environment.</summary>
public sealed partial class FigureDocumentTests
{
    private static readonly string Path = System.IO.Path.Combine(TestData.RepositoryRoot, "docs", "evaluation.md");

    [Fact]
    public async Task The_document_has_every_code_and_every_fact()
    {
        var written = await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken);
        Assert.Single(Tables().Matches(written));
        var expected = Tables().Replace(written, match => $"{match.Groups["begin"].Value}\n{Codes()}\n{Facts()}{match.Groups["end"].Value}");

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
        var table = new StringBuilder("| code | in English, of some evaluation | numbers and words |\n|---|---|---|\n");
        foreach (var (code, _) in FigureRules.All)
        {
            var (found, _, facts) = FigureCases.All[code];
            var text = FigureTexts.Of("en").Explain(found).Single(sentence => sentence.Code == code).Text;
            table.Append($"| `{WireName.Of(code)}` | {text} | {string.Join(", ", facts.Select(static fact => $"`{fact.Name}`"))} |\n");
        }

        return table.ToString();
    }

    private static string Facts()
    {
        var table = new StringBuilder("| number or word | what it is |\n|---|---|\n");
        foreach (var (name, (_, meaning)) in FactKinds.All)
        {
            table.Append($"| `{name}` | {meaning} |\n");
        }

        return table.ToString();
    }

    [GeneratedRegex("(?<begin><!-- sentences: [^>]+-->)\n.*?(?<end><!-- /sentences -->)", RegexOptions.Singleline)]
    private static partial Regex Tables();
}
