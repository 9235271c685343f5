using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Modeling.Graphs;

namespace LoupeGrpc.TestSupport;

/// <summary>What providers are tried with.</summary>
public static class TestTrial
{
    public static TrialGraph Graph { get; } = new(OneNodeGraph.Write(), OneNodeGraph.Input, OneNodeGraph.Output, OneNodeGraph.Length);
}
