using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Models;

/// <summary>The place of a session, or of a single picture, on the package that it was opened on: as long as anybody has one, that package stays loaded. Disposed once.</summary>
internal sealed class ModelLease : IDisposable
{
    private readonly ModelVersion _version;
    private readonly Action<ModelVersion> _left;

    /// <param name="left">Called when the place is given back.</param>
    public ModelLease(ModelVersion version, bool pinned, Action<ModelVersion> left)
    {
        _version = version;
        _left = left;
        Lane = version.Analyzer.OpenLane(pinned);
    }

    /// <summary>Where its frames are analysed.</summary>
    public IAnalysisLane Lane { get; }

    public ModelDescription Model => _version.Analyzer.Model;

    public ModelLoad Load => _version.Load;

    /// <inheritdoc cref="IFrameAnalyzer.CreateAdaptation"/>
    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => _version.Analyzer.CreateAdaptation(settings);

    public void Dispose()
    {
        Lane.Dispose();
        _left(_version);
    }
}
