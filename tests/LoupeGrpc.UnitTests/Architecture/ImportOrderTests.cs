using LoupeGrpc.TestSupport;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>
/// Imports are in the order that <c>dotnet format</c> gives them: neither the build nor <c>dotnet format whitespace</c>, which takes seconds where the whole
/// takes minutes, looks at it.
/// </summary>
public sealed class ImportOrderTests
{
    private static readonly string[] Roots = ["build", "clients/dotnet", "scripts", "src", "tests"];

    [Fact]
    public void Imports_are_in_order()
    {
        var files = Roots.SelectMany(static root => Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, root), "*.cs", SearchOption.AllDirectories))
            .Select(static file => Path.GetRelativePath(TestData.RepositoryRoot, file))
            .Where(static file => !file.Split('/').Any(static part => part is "bin" or "obj" or "node_modules"))
            .ToList();

        Assert.InRange(files.Count, 1000, int.MaxValue);
        Assert.All(files, static file => Assert.Null(Misplaced(File.ReadAllText(Path.Combine(TestData.RepositoryRoot, file)))));
    }

    [Theory]
    [InlineData("using System;\nusing System.Text;\nusing Grpc.Core;\nusing LoupeGrpc;\nusing Systems;\nusing static System.Math;\nusing Wire = LoupeGrpc.V1;\n", null)]
    [InlineData("using Grpc.Core;\nusing System;\n", "using System;")]
    [InlineData("using LoupeGrpc.V1;\nusing LoupeGrpc;\n", "using LoupeGrpc;")]
    [InlineData("using LoupeGrpc;\nusing Grpc.Core;\n", "using Grpc.Core;")]
    [InlineData("using LoupeGrpc.Zoo;\nusing LoupeGrpcAlpha;\nusing LoupeGrpc.Alpha;\n", "using LoupeGrpc.Alpha;")]
    [InlineData("using static System.Math;\nusing System;\n", "using System;")]
    [InlineData("using Wire = LoupeGrpc.V1;\nusing LoupeGrpc.Engine;\n", "using LoupeGrpc.Engine;")]
    [InlineData("using Wire = LoupeGrpc.V1;\nusing Answer = LoupeGrpc.V2;\n", "using Answer = LoupeGrpc.V2;")]
    [InlineData("using System;\nglobal using Xunit;\n", "global using Xunit;")]
    public void One_that_is_not_is_found(string file, string? import) => Assert.Equal(import, Misplaced(file));

    /// <summary>The first import that should stand before the one that it stands behind.</summary>
    private static string? Misplaced(string file)
    {
        var imports = CSharpSyntaxTree.ParseText(file).GetCompilationUnitRoot().Usings;
        return imports.Zip(imports.Skip(1)).FirstOrDefault(static pair => string.Compare(Place(pair.First), Place(pair.Second), StringComparison.OrdinalIgnoreCase) > 0).Second?.ToString();
    }

    /// <summary>Global ones first, then namespaces, types' members, other names; of each System first, then by the names' parts.</summary>
    private static string Place(UsingDirectiveSyntax import)
    {
        var name = import.Alias is { } alias ? alias.Name.ToString() : import.NamespaceOrType.ToString();
        var scope = import.GlobalKeyword != default ? 0 : 1;
        var kind = import.Alias is not null ? 2 : import.StaticKeyword != default ? 1 : 0;
        return $"{scope}{kind}{(name.Split('.')[0] == "System" ? 0 : 1)}{name.Replace('.', '\0')}";
    }
}
