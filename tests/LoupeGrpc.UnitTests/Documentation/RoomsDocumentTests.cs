using System.Text.RegularExpressions;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Documentation;

/// <summary>docs/architecture.md has a line for each room, and none for one that is not there.</summary>
public sealed partial class RoomsDocumentTests
{
    private static readonly string[] Rooms =
        [.. Row().Matches(File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "docs", "architecture.md"))).Select(static row => row.Groups["room"].Value)];

    [Fact]
    public void Every_project_and_folder_has_one_line()
    {
        string[] projects = [.. Folders("src"), .. Folders("clients/dotnet")];
        string[] folders = [.. projects.SelectMany(static project => Folders(project))];

        Assert.Contains("src/LoupeGrpc.Engine/Pipeline", folders);
        Assert.Equal(
            projects.Concat(folders).Order(StringComparer.Ordinal),
            Rooms.Where(static room => room.StartsWith("src/", StringComparison.Ordinal) || room.StartsWith("clients/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_line_is_of_something_that_is_there() =>
        Assert.All(Rooms, static room => Assert.True(Directory.Exists(Path.Combine(TestData.RepositoryRoot, room)), room));

    /// <summary>Those right below that hold sources, not what building left.</summary>
    private static IEnumerable<string> Folders(string parent) => Directory.GetDirectories(Path.Combine(TestData.RepositoryRoot, parent))
        .Where(static folder => Path.GetFileName(folder) is not ("bin" or "obj") && Directory.EnumerateFiles(folder, "*.cs*", SearchOption.AllDirectories).Any())
        .Select(folder => $"{parent}/{Path.GetFileName(folder)}");

    [GeneratedRegex(@"^\| `(?<room>[^`]+)` \| [A-Z`][^|]*\. ?\|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
