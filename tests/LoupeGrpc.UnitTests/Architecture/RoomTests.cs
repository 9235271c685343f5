using System.Reflection;
using System.Text.RegularExpressions;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>The rooms of the server and of the client's tool, which are the namespaces right below <c>LoupeGrpc.Server</c> and <c>LoupeGrpc.Client.Cli</c>: who may know whom.</summary>
public sealed partial class RoomTests
{
    private const string Root = "LoupeGrpc.Server";

    private static readonly Lazy<IReadOnlyList<TypeUse>> Uses = new(static () => TypeUses.Of(Assembly.Load("loupe-grpc-server")));

    [Fact]
    public void Only_the_contract_knows_the_wire_and_the_engine()
    {
        foreach (var domain in (string[])["LoupeGrpc.Engine.", "LoupeGrpc.Execution."])
        {
            var mixed = RoomsThatUse("LoupeGrpc.V1.").Intersect(RoomsThatUse(domain)).ToList();
            Assert.Contains("Contract", mixed);
            var wrong = Uses.Value
                .Where(use => use.To.StartsWith(domain, StringComparison.Ordinal) && TypeUse.RoomOf(use.From, Root) is { } room && room != "Contract" && mixed.Contains(room))
                .Select(static use => $"{use.From} -> {use.To}");
            Assert.Empty(wrong);
        }
    }

    /// <summary>The rules are about rooms, so whatever stands in none of them keeps none.</summary>
    [Fact]
    public void Hardly_anything_stands_outside_the_rooms() =>
        Assert.Equal(
            ["LoupeGrpc.Server.ProductVersion"],
            Assembly.Load("loupe-grpc-server").GetTypes().Where(static type => type is { Namespace: Root, IsNested: false }).Select(static type => type.FullName).Order(StringComparer.Ordinal));

    /// <summary>Another protocol than ours: what is written for one of them is not for the other.</summary>
    [Fact]
    public void Only_inference_knows_the_wire_of_inference_servers()
    {
        Assert.Equal(["Inference"], RoomsThatUse("LoupeGrpc.Inference."));
        Assert.DoesNotContain("Inference", RoomsThatUse("LoupeGrpc.V1."));
    }

    /// <summary>Whoever has a result and a language has its sentences; what a file says of itself is a part of its result.</summary>
    [Fact]
    public void Explanations_know_the_engine_and_provenance_and_how_sentences_are_filled_alone()
    {
        var used = Uses.Value.Where(static use => TypeUse.RoomOf(use.From, Root) == "Explanations").Select(static use => use.To).ToList();
        Assert.Contains(used, static type => type.StartsWith("LoupeGrpc.Engine.", StringComparison.Ordinal));
        Assert.All(used, static type => Assert.True(
            !type.StartsWith("LoupeGrpc.", StringComparison.Ordinal)
                || type.StartsWith("LoupeGrpc.Engine.", StringComparison.Ordinal)
                || type.StartsWith("LoupeGrpc.Provenance.", StringComparison.Ordinal)
                || type == "LoupeGrpc.Results.Sentence"
                || TypeUse.RoomOf(type, Root) == "Explanations",
            type));
    }

    /// <summary>A file that nobody vouches for is read where decoders run in processes of their own, with limits, and nowhere else in the server.</summary>
    [Fact]
    public void Only_the_engine_decodes_pictures()
    {
        var files = Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => File.ReadAllText(file) is var text && (text.Contains("ImDecode", StringComparison.Ordinal) || text.Contains("ImRead(", StringComparison.Ordinal) || text.Contains("FromImageData", StringComparison.Ordinal)))
            .Select(static file => Path.GetRelativePath(TestData.RepositoryRoot, file));
        Assert.Equal(["src/LoupeGrpc.Engine/Imaging/LocalCodec.cs"], files);
    }

    /// <summary>Health and reflection speak gRPC too, by libraries that bring their own messages.</summary>
    [Fact]
    public void Only_calls_and_the_contract_know_the_wire()
    {
        Assert.Equal(["Calls", "Contract"], RoomsThatUse("LoupeGrpc.V1.").Order(StringComparer.Ordinal));
        Assert.DoesNotContain("Sessions", RoomsThatUse("Grpc.").Concat(RoomsThatUse("Google.Protobuf.")).Concat(RoomsThatUse("Microsoft.AspNetCore.")));
    }

    [Theory]
    [InlineData("loupe-grpc-server", "src", Root)]
    [InlineData("loupe-grpc-client", "clients/dotnet", "LoupeGrpc.Client.Cli")]
    public void Rooms_do_not_use_each_other_in_circles(string assembly, string folder, string root)
    {
        IReadOnlyList<TypeUse> uses = [.. TypeUses.Of(Assembly.Load(assembly)), .. Imports(Path.Combine(TestData.RepositoryRoot, folder, root))];
        var edges = RoomEdges(uses, root);
        var circles = edges.Where(edge => Leads(edges, edge.To, edge.From)).Select(edge => Describe(uses, root, edge)).ToList();
        Assert.True(circles.Count == 0, string.Join(Environment.NewLine, circles));
    }

    /// <summary>A constant of another room leaves no trace in what is compiled.</summary>
    [Fact]
    public void What_a_source_imports_is_seen() =>
        Assert.Contains(
            new TypeUse("LoupeGrpc.Server.Calls.SessionCalls", "LoupeGrpc.Server.Sessions.(import)"), Imports(Path.Combine(TestData.RepositoryRoot, "src", Root)));

    [Fact]
    public void A_circle_of_three_is_found()
    {
        HashSet<(string From, string To)> edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")];
        Assert.True(Leads(edges, "b", "a"));
        Assert.False(Leads(edges, "d", "c"));
    }

    /// <summary>From each source to the namespaces that it imports.</summary>
    private static IEnumerable<TypeUse> Imports(string project) =>
        from file in Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories)
        let text = File.ReadAllText(file)
        let space = NamespaceLine().Match(text).Groups[1].Value
        where space.Length > 0
        from Match import in ImportLine().Matches(text)
        select new TypeUse($"{space}.{Path.GetFileNameWithoutExtension(file)}", $"{import.Groups[1].Value}.(import)");

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^using (?:static )?(LoupeGrpc[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex ImportLine();

    private static IEnumerable<string> RoomsThatUse(string space) =>
        Uses.Value.Where(use => use.To.StartsWith(space, StringComparison.Ordinal)).Select(static use => TypeUse.RoomOf(use.From, Root)).OfType<string>().Distinct();

    private static HashSet<(string From, string To)> RoomEdges(IReadOnlyList<TypeUse> uses, string root)
    {
        HashSet<(string From, string To)> edges = [];
        foreach (var use in uses)
        {
            if (TypeUse.RoomOf(use.From, root) is { } from && TypeUse.RoomOf(use.To, root) is { } to && from != to)
            {
                edges.Add((from, to));
            }
        }

        Assert.NotEmpty(edges);
        return edges;
    }

    /// <summary>Whether uses go from one room to another, by whatever rooms.</summary>
    private static bool Leads(HashSet<(string From, string To)> edges, string from, string to)
    {
        HashSet<string> reached = [from];
        while (edges.Where(edge => reached.Contains(edge.From) && !reached.Contains(edge.To)).Select(static edge => edge.To).FirstOrDefault() is { } next)
        {
            reached.Add(next);
        }

        return reached.Contains(to);
    }

    private static string Describe(IReadOnlyList<TypeUse> uses, string root, (string From, string To) edge) => $"{edge.From} -> {edge.To}: " + string.Join(
        ", ",
        uses.Where(use => TypeUse.RoomOf(use.From, root) == edge.From && TypeUse.RoomOf(use.To, root) == edge.To).Select(static use => $"{use.From} uses {use.To}"));
}
