using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using Xunit;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>The rooms of the engine, which are the namespaces right below <c>LoupeGrpc.Engine</c>.</summary>
public sealed class EngineRoomTests
{
    private const string Root = "LoupeGrpc.Engine";

    /// <summary>Each may use those behind it.</summary>
    private static readonly string[] Order =
        ["Pipeline", "Scheduling", "Diagnostics", "Adaptation", "Quantization", "Providers", "Execution", "Tiling", "Queueing", "Masks", "Imaging", "Configuration"];

    [Fact]
    public void Rooms_use_only_those_below_them()
    {
        var uses = TypeUses.Of(typeof(LoupeEngine).Assembly)
            .Select(static use => (From: TypeUse.RoomOf(use.From, Root), To: TypeUse.RoomOf(use.To, Root), Use: use))
            .Where(static use => use.From is not null && use.To is not null && use.From != use.To)
            .ToList();

        Assert.Contains(uses, static use => use is { From: "Pipeline", To: "Queueing" });
        Assert.All(uses, static use => Assert.True(
            Array.IndexOf(Order, use.From) >= 0 && Array.IndexOf(Order, use.To) > Array.IndexOf(Order, use.From), $"{use.Use.From} -> {use.Use.To}"));
    }

    /// <summary>Inside <c>LoupeGrpc.Execution</c> too.</summary>
    [Fact]
    public void Rooms_of_the_ladder_do_not_use_each_other_both_ways()
    {
        const string Ladder = "LoupeGrpc.Execution";
        var edges = TypeUses.Of(typeof(ExecutionLadder).Assembly)
            .Select(static use => (From: TypeUse.RoomOf(use.From, Ladder), To: TypeUse.RoomOf(use.To, Ladder)))
            .Where(static use => use.From is not null && use.To is not null && use.From != use.To)
            .ToHashSet();

        Assert.DoesNotContain(edges, edge => edges.Contains((edge.To, edge.From)));
    }
}
