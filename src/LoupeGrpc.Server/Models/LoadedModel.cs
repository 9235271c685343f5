using LoupeGrpc.Execution;

namespace LoupeGrpc.Server.Models;

/// <summary>A package that runs, and what has to be given back when nobody uses it any more.</summary>
internal sealed class LoadedModel : IAsyncDisposable
{
    private readonly ExecutionLadder? _ladder;
    private readonly IDisposable? _package;

    /// <param name="package">Disposed after the ladder, which is this one's from now on too.</param>
    public LoadedModel(ExecutionLadder ladder, IDisposable package) => (Analyzer, _ladder, _package) = (ladder, ladder, package);

    private LoadedModel(IFrameAnalyzer analyzer) => Analyzer = analyzer;

    public IFrameAnalyzer Analyzer { get; }

    /// <summary>Done when a device that serves is lost, with the reason. Never ends otherwise.</summary>
    public Task<string> Lost => _ladder?.Lost ?? new TaskCompletionSource<string>().Task;

    /// <summary>Somebody else's, who frees it.</summary>
    public static LoadedModel Borrow(IFrameAnalyzer analyzer) => new(analyzer);

    /// <summary>Ends runs in progress and answers everything inside.</summary>
    public void Abort() => _ladder?.Abort();

    public async ValueTask DisposeAsync()
    {
        if (_ladder is not null)
        {
            await _ladder.DisposeAsync().ConfigureAwait(false);
        }

        _package?.Dispose();
    }
}
