using System.ComponentModel;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;

namespace LoupeGrpc.Execution.Probing;

/// <summary>Says whether a provider runs here. One that may take the process with it is tried in another one. Thread-safe.</summary>
/// <param name="host">Answers are kept in a folder <c>probes</c> of its cache.</param>
public sealed class ProviderProber(ExecutionHost host, TimeProvider time)
{
    private readonly ProbeCache _cache = new(host.CacheDirectory is null ? null : Path.Combine(host.CacheDirectory, "probes"), time);

    /// <summary>The answer from the cache, or else a new one.</summary>
    /// <param name="limit">After it the provider counts as hanging.</param>
    /// <exception cref="OperationCanceledException"/>
    public async Task<ProviderReport> ProbeAsync(ExecutionTarget target, TimeSpan limit, CancellationToken cancellationToken) =>
        _cache.Find(target) ?? await ProbeAnewAsync(target, limit, cancellationToken).ConfigureAwait(false);

    /// <summary>A new answer, which replaces the one in the cache.</summary>
    /// <param name="limit">After it the provider counts as hanging.</param>
    /// <exception cref="OperationCanceledException"/>
    public async Task<ProviderReport> ProbeAnewAsync(ExecutionTarget target, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (ProviderTrial.ReportAbsence(target) is { } absence)
        {
            return absence;
        }

        if (target.Kind == ProviderKind.Cpu)
        {
            return ProviderTrial.Run(target, host.TrialGraph);
        }

        ProviderReport report;
        try
        {
            report = await TrialProcess.RunAsync(host.Program, target, limit, cancellationToken).ConfigureAwait(false);
        }
        catch (Win32Exception exception)
        {
            // Says nothing about the provider, so nobody shall remember it.
            return new ProviderReport
            {
                Provider = target.Provider,
                Kind = target.Kind,
                Library = ProviderTrial.LibraryOf(target),
                Exists = true,
                Reason = $"{target.Provider} cannot be tried: {exception.Message}",
            };
        }

        _cache.Keep(target, report);
        return report;
    }
}
