using LoupeGrpc.Engine.Providers;

namespace LoupeGrpc.Execution;

/// <summary>What the program that runs the ladder lends it.</summary>
public sealed record ExecutionHost
{
    /// <summary>Full path of a program with the verbs <c>try-provider</c> (<see cref="Probing.TrialProcess"/>) and <c>compile</c>.</summary>
    public required string Program { get; init; }

    /// <summary>Settings that runs of <see cref="Program"/> must share with this one, as <c>--Loupe:Name=value</c>. Default none.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Where answers of trials and built engines are kept; null where there is no such place. Default null.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>What a provider runs to prove that it can run anything.</summary>
    public required TrialGraph TrialGraph { get; init; }
}
