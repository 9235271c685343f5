using System.Text.RegularExpressions;
using LoupeGrpc.Client;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Documentation;

/// <summary>What a README shows in C# compiles against the library as it is, without a warning.</summary>
public partial class SnippetTests
{
    /// <summary>What the SDK adds to every project, and to those for the web.</summary>
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        """;

    [Theory]
    [InlineData("README.md", 1)]
    [InlineData("clients/dotnet/README.md", 5)]
    public void Snippets_one_behind_the_other_are_a_program(string file, int atLeast)
    {
        var snippets = Snippets(Path.Combine(TestData.RepositoryRoot, file));

        Assert.InRange(snippets.Count, atLeast, int.MaxValue);
        Assert.Empty(Problems(string.Join('\n', snippets)));
    }

    [Fact]
    public void A_snippet_that_names_what_is_not_there_is_found() => Assert.Contains(
        Problems("LoupeGrpc.Client.LoupeClient.Analyse(frames);"), problem => problem.Contains("'frames' does not exist", StringComparison.Ordinal));

    private static List<string> Snippets(string file) =>
        [.. CSharpBlock().Matches(File.ReadAllText(file)).Select(block => block.Groups[1].Value)];

    private static List<string> Problems(string program)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        var platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(path => path.Length > 0);
        string[] own = [typeof(LoupeClient).Assembly.Location, typeof(FrameResult).Assembly.Location, typeof(Google.Protobuf.IMessage).Assembly.Location];
        var compilation = CSharpCompilation.Create(
            "Snippets",
            [CSharpSyntaxTree.ParseText(ImplicitUsings, options), CSharpSyntaxTree.ParseText(program, options)],
            platform.Concat(own).Distinct().Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        return [.. compilation.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning).Select(found => found.ToString())];
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
