using System.Reflection;
using System.Text.RegularExpressions;
using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Documentation;

/// <summary>docs/architecture.md has a line for each room, and none for one that is not there; what it names on the way of a frame is there.</summary>
public sealed partial class RoomsDocumentTests
{
    private const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly string Document = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "docs", "architecture.md"));

    private static readonly string[] Rooms = [.. Row().Matches(Document).Select(static row => row.Groups["room"].Value)];

    [Fact]
    public void Every_project_and_folder_has_one_line()
    {
        string[] projects = [.. Folders("src"), .. Folders("clients/dotnet")];
        string[] folders = [.. projects.SelectMany(static project => Folders(project))];
        folders = [.. folders, .. folders.SelectMany(static folder => Folders(folder)).Where(static folder => !folder.EndsWith("/page/assets", StringComparison.Ordinal))];

        Assert.Contains("src/LoupeGrpc.Engine/Pipeline", folders);
        Assert.Equal(
            projects.Concat(folders).Order(StringComparer.Ordinal),
            Rooms.Where(static room => room.StartsWith("src/", StringComparison.Ordinal) || room.StartsWith("clients/dotnet/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_line_is_of_something_that_is_there() =>
        Assert.All(Rooms, static room => Assert.True(Directory.Exists(Path.Combine(TestData.RepositoryRoot, room)), room));

    [Fact]
    public void Every_step_on_the_way_of_a_frame_is_there()
    {
        Type[] types = [.. Assembly.Load("loupe-grpc-server").GetTypes(), .. typeof(ExecutionLadder).Assembly.GetTypes(), .. typeof(LoupeEngine).Assembly.GetTypes()];
        var steps = Step().Matches(Document).ToList();

        Assert.InRange(steps.Count, 10, 30);
        Assert.All(steps, step => Assert.Contains(types, type =>
            type.Name == step.Groups["type"].Value
            && type.Namespace!.Split('.').Contains(step.Groups["room"].Value)
            && (!step.Groups["method"].Success || type.GetMethods(Any).Any(method => method.Name == step.Groups["method"].Value))));
    }

    /// <summary>Those right below that hold sources, not what building left.</summary>
    private static IEnumerable<string> Folders(string parent) => Directory.GetDirectories(Path.Combine(TestData.RepositoryRoot, parent))
        .Where(static folder => Path.GetFileName(folder) is not ("bin" or "obj") && Directory.EnumerateFiles(folder, "*.cs*", SearchOption.AllDirectories).Any())
        .Select(folder => $"{parent}/{Path.GetFileName(folder)}");

    [GeneratedRegex(@"^\| `(?<room>[^`]+)` \| [A-Z`][^|]*\. ?\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^ (client .{12}|)\s*(?<type>[A-Z]\w+)(\.(?<method>\w+))? {2,}(?<room>Calls|Contract|Sessions|Execution|Engine)( |$)", RegexOptions.Multiline)]
    private static partial Regex Step();
}
