using System.Reflection;
using LoupeGrpc.Client;
using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Files;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using LoupeGrpc.Quality;
using LoupeGrpc.Receipts;
using LoupeGrpc.Results;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>What the built assemblies use, of ours and of others, in whatever way it came to them.</summary>
public sealed class AssemblyTests
{
    private const string Grpc = "Grpc.";
    private const string AspNetCore = "Microsoft.AspNetCore.";
    private const string Protobuf = "Google.Protobuf";
    private const string OnnxRuntime = "Microsoft.ML.OnnxRuntime";
    private const string Wire = "LoupeGrpc.Protocol";
    private const string Network = "System.Net.";

    private static readonly Dictionary<string, (Assembly Assembly, string[] Forbidden)> Rules = new(StringComparer.Ordinal)
    {
        ["Files"] = (typeof(AtomicFile).Assembly, [Grpc, AspNetCore, Protobuf, OnnxRuntime, Network, "LoupeGrpc.", "loupe-grpc-"]),
        ["Packaging"] = (typeof(ModelPackage).Assembly, [Grpc, AspNetCore, Protobuf, OnnxRuntime, Network, "LoupeGrpc.Engine", "LoupeGrpc.Execution", "LoupeGrpc.Modeling", Wire, "loupe-grpc-"]),
        ["Engine"] = (typeof(LoupeEngine).Assembly, [Grpc, AspNetCore, Protobuf, Wire, "LoupeGrpc.Modeling", "LoupeGrpc.Execution", "loupe-grpc-"]),
        ["Modeling"] = (typeof(OneNodeGraph).Assembly, [Grpc, AspNetCore, OnnxRuntime, Network, Wire, "LoupeGrpc.Engine", "LoupeGrpc.Execution", "loupe-grpc-"]),
        ["Execution"] = (typeof(ExecutionLadder).Assembly, [Grpc, AspNetCore, Protobuf, Wire, "LoupeGrpc.Modeling", "loupe-grpc-"]),
        ["Native"] = (typeof(RunLength).Assembly, [Grpc, AspNetCore, Protobuf, OnnxRuntime, "LoupeGrpc."]),
        ["Quality"] = (typeof(ScoreCurve).Assembly, [Grpc, AspNetCore, Protobuf, OnnxRuntime, Network, "LoupeGrpc.", "loupe-grpc-"]),
        ["Receipts"] = (typeof(ReceiptStatement).Assembly, [Grpc, AspNetCore, Protobuf, OnnxRuntime, Network, "LoupeGrpc.", "loupe-grpc-"]),
        ["Results"] = (typeof(WireName).Assembly, [AspNetCore, OnnxRuntime, "LoupeGrpc.Engine", "LoupeGrpc.Execution", "LoupeGrpc.Modeling", "LoupeGrpc.Client", "loupe-grpc-"]),
        ["Protocol"] = (typeof(FrameResult).Assembly, [AspNetCore, OnnxRuntime, "LoupeGrpc."]),
        ["Client"] = (typeof(LoupeClient).Assembly, [AspNetCore, OnnxRuntime, "LoupeGrpc.Engine", "LoupeGrpc.Execution", "LoupeGrpc.Modeling", "loupe-grpc-"]),
    };

    public static TheoryData<string> Names => [.. Rules.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_assembly_uses_nothing_that_it_must_not_know(string name)
    {
        var (assembly, forbidden) = Rules[name];
        Assert.DoesNotContain(ReferencesOf(assembly), reference => forbidden.Any(start => reference.StartsWith(start, StringComparison.Ordinal)));
    }

    /// <summary>What is forbidden somewhere is called so where it is allowed.</summary>
    [Fact]
    public void What_an_assembly_uses_is_seen()
    {
        var wire = ReferencesOf(typeof(FrameResult).Assembly);
        Assert.Contains(wire, static reference => reference.StartsWith(Grpc, StringComparison.Ordinal));
        Assert.Contains(Protobuf, wire);
        var server = ReferencesOf(Assembly.Load("loupe-grpc-server"));
        Assert.Contains(server, static reference => reference.StartsWith(AspNetCore, StringComparison.Ordinal));
        Assert.Contains(server, static reference => reference.StartsWith(Network, StringComparison.Ordinal));
        Assert.Superset(new HashSet<string> { Wire, "LoupeGrpc.Engine", "LoupeGrpc.Execution", "LoupeGrpc.Modeling" }, server.ToHashSet());
        Assert.Contains(OnnxRuntime, ReferencesOf(typeof(LoupeEngine).Assembly));
    }

    private static List<string> ReferencesOf(Assembly assembly) => [.. assembly.GetReferencedAssemblies().Select(static reference => reference.Name!)];
}
