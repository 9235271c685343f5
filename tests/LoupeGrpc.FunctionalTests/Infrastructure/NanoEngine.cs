using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Models;
using Microsoft.Extensions.Logging.Abstractions;

[assembly: AssemblyFixture(typeof(NanoEngine))]

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The embedded model, converted once for all tests, on a ladder of one rung that they share: the CPU.</summary>
public sealed class NanoEngine : IAsyncLifetime
{
    private readonly DirectoryInfo _cache = Directory.CreateTempSubdirectory("loupe-tests-");
    private EmbeddedModel? _model;
    private ExecutionLadder? _ladder;

    /// <summary>Has the converted model, for servers that are started as processes.</summary>
    public string CacheDirectory => _cache.FullName;

    internal ModelPackage Package => _model!.Package;

    /// <summary>Takes frames of up to 1 MiB.</summary>
    internal IFrameAnalyzer Analyzer => _ladder!;

    public async ValueTask InitializeAsync()
    {
        _model = await EmbeddedModel.PrepareAsync(_cache.FullName, NullLogger.Instance, CancellationToken.None);
        // The limits of the server that BadInputTests start.
        var limits = new EngineLimits { MaxFrameBytes = 1 << 20 };
        _ladder = await ExecutionSetup.Create(
            _model.Package, new ExecutionOptions { Providers = [ExecutionOptions.CpuName] }, new EngineOptions { Limits = limits }, TestHost.Create(null),
            TimeProvider.System, NullLoggerFactory.Instance).StartLadderAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ladder is not null)
        {
            await _ladder.DisposeAsync();
        }

        _model?.Dispose();
        _cache.Delete(recursive: true);
    }
}
