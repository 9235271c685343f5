using System.Xml.Linq;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>Which project may build on which. A new one gets its line here before it gets its first reference.</summary>
public sealed class ProjectTests
{
    private static readonly Dictionary<string, string[]> References = new(StringComparer.Ordinal)
    {
        ["LoupeGrpc.Protocol"] = [],
        ["LoupeGrpc.Native"] = [],
        ["LoupeGrpc.Files"] = [],
        ["LoupeGrpc.Packaging"] = ["LoupeGrpc.Files"],
        ["LoupeGrpc.Modeling"] = ["LoupeGrpc.Packaging"],
        ["LoupeGrpc.Provenance"] = [],
        ["LoupeGrpc.Engine"] = ["LoupeGrpc.Native", "LoupeGrpc.Packaging", "LoupeGrpc.Provenance"],
        ["LoupeGrpc.Execution"] = ["LoupeGrpc.Engine", "LoupeGrpc.Packaging"],
        ["LoupeGrpc.Server"] = ["LoupeGrpc.Engine", "LoupeGrpc.Execution", "LoupeGrpc.Modeling", "LoupeGrpc.Protocol", "LoupeGrpc.Provenance", "LoupeGrpc.Quality", "LoupeGrpc.Receipts", "LoupeGrpc.Reporting", "LoupeGrpc.Results"],
        ["LoupeGrpc.Quality"] = [],
        ["LoupeGrpc.Receipts"] = [],
        ["LoupeGrpc.Reporting"] = ["LoupeGrpc.Protocol", "LoupeGrpc.Results"],
        ["LoupeGrpc.Results"] = ["LoupeGrpc.Protocol"],
        ["LoupeGrpc.Client"] = ["LoupeGrpc.Protocol"],
        ["LoupeGrpc.Client.Cli"] = ["LoupeGrpc.Client", "LoupeGrpc.Files", "LoupeGrpc.Quality", "LoupeGrpc.Receipts", "LoupeGrpc.Reporting", "LoupeGrpc.Results"],
    };

    private static readonly Dictionary<string, XElement> Projects = new[] { "src", Path.Combine("clients", "dotnet") }
        .SelectMany(static folder => Directory.GetFiles(Path.Combine(TestData.RepositoryRoot, folder), "*.csproj", SearchOption.AllDirectories))
        .ToDictionary(static path => Path.GetFileNameWithoutExtension(path), static path => XElement.Load(path), StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. References.Keys];

    [Fact]
    public void Every_project_has_its_place() =>
        Assert.Equal(References.Keys.Order(StringComparer.Ordinal), Projects.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_project_refers_to_what_it_may_build_on(string name) => Assert.Equal(
        References[name],
        Projects[name].Descendants("ProjectReference")
            .Select(static reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))
            .Order(StringComparer.Ordinal));

    [Fact]
    public void Nothing_is_built_on_the_server() =>
        Assert.DoesNotContain("LoupeGrpc.Server", References.Values.SelectMany(static references => references));

    [Theory]
    [MemberData(nameof(Names))]
    public void Only_the_server_is_built_with_ASP_NET(string name)
    {
        var web = (string?)Projects[name].Attribute("Sdk") == "Microsoft.NET.Sdk.Web"
            || Projects[name].Descendants("FrameworkReference").Any(static reference => ((string?)reference.Attribute("Include"))?.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) == true);
        Assert.Equal(name == "LoupeGrpc.Server", web);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Only_the_bindings_may_be_unsafe(string name) =>
        Assert.Equal(name == "LoupeGrpc.Native", Projects[name].Descendants("AllowUnsafeBlocks").Any(static element => element.Value == "true"));
}
