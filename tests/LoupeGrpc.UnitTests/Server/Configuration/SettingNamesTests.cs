using System.Text.RegularExpressions;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Configuration;

/// <summary>Whoever is told to change a setting must find it.</summary>
public partial class SettingNamesTests
{
    private static readonly string[] Places = ["src", "clients", "protos", "docs", "deploy", "scripts", "README.md", "Dockerfile", "run.sh", "build.sh"];
    private static readonly string[] Kinds = [".cs", ".proto", ".md", ".sh", ".json", ".py", ".js", ".ts", ".h", ".cpp", ".yaml", ".yml", ".service", ".conf", ""];

    /// <summary>Stand for any setting where a form is explained.</summary>
    private static readonly string[] Examples = ["Loupe:Name", "Loupe:NAME"];

    [Fact]
    public void Every_setting_that_a_text_names_exists()
    {
        var texts = Files().SelectMany(static file => File.ReadLines(file).Select((line, at) => (Place: $"{Path.GetFileName(file)}:{at + 1}", Line: line)))
            .SelectMany(static text => Names(text.Line).Select(name => (text.Place, Name: name)))
            .Where(static named => !Examples.Contains(named.Name))
            .ToList();
        // That nothing is found must not look like success.
        Assert.Contains(texts, static named => named.Name == "Loupe:Engine:MaxFramesWaiting");
        Assert.Contains(texts, static named => named.Name == "Loupe:Execution:*:Precision");
        Assert.Contains(texts, static named => named.Name == "Loupe:Shutdown:DrainTimeout" && named.Place.StartsWith("kustomization.yaml", StringComparison.Ordinal));
        Assert.True(texts.Count > 60);
        Assert.Empty(texts.Where(static named => !IsKnown(named.Name)).Select(static named => $"{named.Place}: {named.Name}"));
    }

    [Theory]
    [InlineData("Loupe:Limits:MaxSides", false)]
    [InlineData("Limits:MaxSides", false)]
    [InlineData("Loupe:Limits:MaxSide", true)]
    [InlineData("Loupe__Limits__MaxSide", true)]
    [InlineData("Limits:MaxSide", true)]
    [InlineData("Loupe:Execution", true)]
    [InlineData("Loupe:Execution:Plugins:0:Path", true)]
    [InlineData("Loupe:Execution:CUDA:Options:arena", true)]
    [InlineData("Loupe:Execution:{entry}:Precision", true)]
    [InlineData("Loupe:Execution:{entry}:Precisions", false)]
    public void The_search_can_tell(string text, bool known) => Assert.Equal(known, Names($"\"see {text}.\"").All(IsKnown));

    private static IEnumerable<string> Files() => Places
        .Select(static place => Path.Combine(TestData.RepositoryRoot, place))
        .SelectMany(static place => File.Exists(place) ? [place] : Directory.Exists(place) ? Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories) : [])
        .Where(static file => Kinds.Contains(Path.GetExtension(file)) && !Built().IsMatch(file));

    /// <summary>Names with colons between; a placeholder in one is <c>*</c>.</summary>
    private static IEnumerable<string> Names(string line) => Full().Matches(line).Select(static match => match.Value)
        .Concat(Short().Matches(line).Select(static match => $"{LoupeOptions.Section}:{match.Value}"))
        .Select(static name => Placeholder().Replace(name, "*").Replace("__", ":", StringComparison.Ordinal));

    /// <summary>A setting, a section, or one of them with its placeholders filled in.</summary>
    private static bool IsKnown(string name) => SettingDescription.All.Any(setting =>
    {
        var known = setting.Name.Split(':');
        var parts = name.Split(':');
        return parts.Length <= known.Length && parts.Zip(known).All(static pair =>
            pair.First == "*"
            || pair.Second == "NAME"
            || (pair.Second == SettingDescription.AnyEntry && pair.First.All(char.IsAsciiDigit))
            || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
    });

    [GeneratedRegex(@"[\\/](bin|obj|node_modules|build)[\\/]")]
    private static partial Regex Built();

    [GeneratedRegex(@"\bLoupe((:|__)(\w+?(?=__)|\w+|\{[^}]*\}|<\w+>))+")]
    private static partial Regex Full();

    /// <summary>Without the name of the root, as people shorten them.</summary>
    [GeneratedRegex(@"(?<![\w:}>])(Limits|Engine|Execution|Endpoints|Sessions|Adaptation|Connections|Shutdown|Thresholds|Tls|Security):[A-Z]\w+(:\w+)*")]
    private static partial Regex Short();

    [GeneratedRegex(@"\{[^}]*\}|<\w+>")]
    private static partial Regex Placeholder();
}
