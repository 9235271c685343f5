using System.Reflection;
using LoupeGrpc.Client;
using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>Operators filter logs by the number of an event.</summary>
public sealed class EventIdTests
{
    private static readonly Assembly[] Assemblies =
    [
        typeof(LoupeEngine).Assembly, typeof(ExecutionLadder).Assembly, typeof(OneNodeGraph).Assembly, typeof(ModelPackage).Assembly, typeof(RunLength).Assembly,
        Assembly.Load("loupe-grpc-server"), typeof(LoupeClient).Assembly, Assembly.Load("loupe-grpc-client"),
    ];

    [Fact]
    public void Each_event_has_a_number_of_its_own()
    {
        var events = Assemblies.SelectMany(static assembly => assembly.GetTypes())
            .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(static method => (Name: $"{method.DeclaringType!.Name}.{method.Name}", Id: method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId))
            .Where(static entry => entry.Id is not null)
            .ToList();
        Assert.Superset(
            new HashSet<string> { "EngineLog", "LadderLog", "ModelLog", "ServeLog" },
            events.Select(static entry => entry.Name.Split('.')[0]).ToHashSet());
        Assert.DoesNotContain(events, static entry => entry.Id <= 0);
        var shared = events.GroupBy(static entry => entry.Id).Where(static same => same.Count() > 1)
            .Select(static same => $"{same.Key}: {string.Join(", ", same.Select(static entry => entry.Name))}").ToList();
        Assert.True(shared.Count == 0, string.Join(Environment.NewLine, shared));
    }
}
