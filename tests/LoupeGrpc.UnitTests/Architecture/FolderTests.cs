using System.Text.RegularExpressions;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>The rooms that the other tests keep are namespaces; people see folders. They are the same.</summary>
public sealed partial class FolderTests
{
    private static readonly string[] Roots = ["src", "clients/dotnet"];

    public static TheoryData<string> Projects =>
        [.. Roots.SelectMany(static root => Directory.GetDirectories(Path.Combine(TestData.RepositoryRoot, root)))
            .Where(static folder => Directory.EnumerateFiles(folder, "*.csproj").Any())
            .Select(static folder => Path.GetRelativePath(TestData.RepositoryRoot, folder))];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_files_namespace_is_its_folder(string project)
    {
        var root = Path.Combine(TestData.RepositoryRoot, project);
        var name = Path.GetFileName(root);
        var wrong = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file))
            .Where(static file => !file.StartsWith("obj", StringComparison.Ordinal) && !file.StartsWith("bin", StringComparison.Ordinal))
            .Select(file => (File: file, Space: NamespaceLine().Match(File.ReadAllText(Path.Combine(root, file))).Groups[1].Value))
            .Where(file => file.Space.Length > 0 && file.Space != $"{name}.{Path.GetDirectoryName(file.File)!.Replace('/', '.')}".TrimEnd('.'))
            .Select(static file => $"{file.File}: {file.Space}");
        Assert.Empty(wrong);
    }

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
