using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Streaming;
using Microsoft.Extensions.Logging.Abstractions;

[assembly: AssemblyFixture(typeof(NanoEngine))]

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The real engine on the embedded model, converted once for all tests.</summary>
public sealed class NanoEngine : IAsyncLifetime
{
    private readonly DirectoryInfo _cache = Directory.CreateTempSubdirectory("loupe-tests-");
    private EmbeddedModel? _model;
    private LoupeEngine? _engine;

    /// <summary>Has the converted model, for servers that are started as processes.</summary>
    public string CacheDirectory => _cache.FullName;

    internal IFrameAnalyzer Analyzer { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _model = await EmbeddedModel.PrepareAsync(_cache.FullName, NullLogger.Instance, CancellationToken.None);
        // The limits of the server that BadInputTests start.
        var limits = new EngineLimits { MaxFrameBytes = 1 << 20 };
        _engine = await LoupeEngine.StartAsync(
            _model.Package, new EngineOptions { Limits = limits }, ExecutionTarget.Cpu, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
        Analyzer = new EngineAnalyzer(_engine);
    }

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }

        _model?.Dispose();
        _cache.Delete(recursive: true);
    }
}
