using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>One package under one name, from its loading until the last who uses it has left.</summary>
internal sealed class ModelVersion(ModelSource source, LoadedModel loaded)
{
    public string Name => Source.Name;

    public IFrameAnalyzer Analyzer => loaded.Analyzer;

    public LoadedModel Loaded => loaded;

    /// <summary>How busy it is, for the scheduler.</summary>
    public ModelLoad Load { get; } = new(() => loaded.Analyzer.Capacity);

    public string Title => Analyzer.Model.Title;

    /// <summary>Where it was last found. The repository's, under its lock, as what follows.</summary>
    public ModelSource Source { get; set; } = source;

    /// <summary>Sessions and pictures on it.</summary>
    public int Users { get; set; }

    /// <summary>Nobody new comes to it.</summary>
    public bool IsLeaving { get; set; }
}

/// <summary>What there is to say of a version at one moment.</summary>
/// <param name="Users">Sessions and pictures on it.</param>
/// <param name="IsLeaving">Nobody new comes to it.</param>
internal sealed record ModelStatus(string Name, IFrameAnalyzer Analyzer, int Users, bool IsLeaving);
