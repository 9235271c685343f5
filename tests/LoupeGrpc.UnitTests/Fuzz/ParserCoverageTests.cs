using System.Reflection;
using System.Text.RegularExpressions;
using Google.Protobuf;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Execution.Builds;
using LoupeGrpc.Files;
using LoupeGrpc.Fuzz;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using LoupeGrpc.Provenance;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Contract;
using Xunit;

namespace LoupeGrpc.UnitTests.Fuzz;

/// <summary>Holds the parsers, found by what they take and how they are called, against the targets.</summary>
public sealed partial class ParserCoverageTests
{
    private static readonly Assembly[] _assemblies =
    [
        typeof(CheckpointDescription).Assembly, typeof(SafetensorsFile).Assembly, typeof(AtomicFile).Assembly, typeof(ImageSniffer).Assembly, typeof(RunLength).Assembly,
        typeof(CompileLine).Assembly, typeof(OpenReader).Assembly, typeof(CocoRleDecoder).Assembly, typeof(Receipt).Assembly, typeof(CredentialsReader).Assembly, Assembly.Load("loupe-grpc-client"),
    ];

    /// <summary>Types that look like a parser and need no target of their own, each with the reason.</summary>
    private static readonly Dictionary<string, string> _exempt = new(StringComparer.Ordinal)
    {
        ["LoupeGrpc.Modeling.Packaging.HashingFile"] = "a stream that only writes",
        ["LoupeGrpc.Engine.Adaptation.AdaptationSession"] = "hands on to AdaptationSnapshot",
        ["LoupeGrpc.Engine.Imaging.FrameDecoder"] = "pixels are OpenCV's to decode; what it is given is sniffed before",
        ["LoupeGrpc.Engine.Imaging.LocalCodec"] = "pixels are OpenCV's to decode; what it is given is sniffed before",
        ["LoupeGrpc.Engine.Imaging.WorkerCodec"] = "hands on to the process that decodes",
        ["LoupeGrpc.Engine.Imaging.ProvenanceFacts"] = "hands on to CredentialsReader, and puts beside it what was read of headers",
        ["LoupeGrpc.Client.Internal.WireDurations"] = "two numbers of a message of the server's, clamped",
        ["LoupeGrpc.Client.Cli.Hosting.GuardedStream"] = "a stream that only writes",
        ["LoupeGrpc.Client.Cli.CommandLine.RawArguments"] = "the kernel's own list of the arguments",
    };

    [Fact]
    public void Every_parser_has_a_target()
    {
        var covered = FuzzTargets.All.SelectMany(static target => target.Parsers).Select(static type => type.FullName!).ToHashSet(StringComparer.Ordinal);
        var parsers = Parsers().ToList();

        var uncovered = parsers.Where(name => !covered.Contains(name) && !_exempt.ContainsKey(name)).ToList();
        Assert.True(uncovered.Count == 0, string.Join(Environment.NewLine, uncovered));
        Assert.Equal(string.Empty, string.Join(Environment.NewLine, _exempt.Keys.Where(name => !parsers.Contains(name) || covered.Contains(name))));
    }

    private static IEnumerable<string> Parsers() => _assemblies
        .SelectMany(static assembly => assembly.GetTypes())
        .Where(static type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly).Any(IsParser))
        .Where(static type => !type.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), inherit: false) && !type.FullName!.StartsWith("Onnx.", StringComparison.Ordinal))
        .Select(static type => type.FullName!)
        .Order(StringComparer.Ordinal);

    private static bool IsParser(MethodInfo method) =>
        !method.IsPrivate && !method.IsAbstract && ParserName().IsMatch(method.Name) && method.GetParameters().Any(static parameter => IsForeign(parameter.ParameterType));

    private static bool IsForeign(Type type) =>
        type == typeof(ReadOnlySpan<byte>) || type == typeof(ReadOnlyMemory<byte>) || type == typeof(byte[]) || type == typeof(ReadOnlySpan<char>) || type == typeof(ByteString)
        || typeof(IMessage).IsAssignableFrom(type);

    [GeneratedRegex("^(Try)?(Read|Parse|Decode|Sniff|Inspect|Restore|ToSettings|NameOf|DigestOf|Matches)")]
    private static partial Regex ParserName();
}
