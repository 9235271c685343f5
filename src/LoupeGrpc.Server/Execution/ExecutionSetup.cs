using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Execution;

/// <summary>The parts of the ladder, put together for one package.</summary>
internal sealed class ExecutionSetup : IDisposable
{
    private readonly ServiceProvider _metrics;
    private readonly ILoggerFactory _loggers;

    private ExecutionSetup(ModelPackage package, IReadOnlyList<PlannedRung> plan, EngineCache cache, RungStarter starter, ServiceProvider metrics, ILoggerFactory loggers)
    {
        Package = package;
        Plan = plan;
        Cache = cache;
        Starter = starter;
        _metrics = metrics;
        _loggers = loggers;
    }

    public ModelPackage Package { get; }

    public IReadOnlyList<PlannedRung> Plan { get; }

    public EngineCache Cache { get; }

    public RungStarter Starter { get; }

    /// <param name="settings">What is set, as arguments for processes that must share it.</param>
    /// <param name="cacheDirectory">Of the server; null where there is none: engines are kept in the system's temporary directory then.</param>
    /// <exception cref="PackageException">The package does not have a precision that a setting asks for.</exception>
    public static ExecutionSetup Create(
        LoupeOptions options, IReadOnlyList<string> settings, ModelPackage package, string? cacheDirectory, ILoggerFactory loggers)
    {
        var plan = PlannedRung.Plan(options.Execution, package);
        var cache = new EngineCache(
            options.Execution.CacheDirectory.Length > 0
                ? options.Execution.CacheDirectory
                : Path.Combine(cacheDirectory ?? Path.Combine(Path.GetTempPath(), "loupe-grpc"), "engines"),
            loggers.CreateLogger<EngineCache>());
        var metrics = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var starter = new RungStarter(
            package,
            options.Engine,
            new ProviderProber(cacheDirectory, TimeProvider.System),
            options.Execution.ProbeTimeout,
            cache,
            new EngineBuild(settings, package.Directory, options.Execution.BuildTimeout),
            loggers,
            TimeProvider.System,
            metrics.GetRequiredService<IMeterFactory>());
        return new ExecutionSetup(package, plan, cache, starter, metrics, loggers);
    }

    /// <summary>Starts serving on the best rung there is.</summary>
    /// <exception cref="ModelLoadException">None can serve.</exception>
    /// <exception cref="OperationCanceledException"/>
    public Task<ExecutionLadder> StartAsync(CancellationToken cancellationToken) =>
        ExecutionLadder.StartAsync(Plan, Starter, TimeProvider.System, _loggers.CreateLogger<ExecutionLadder>(), cancellationToken);

    public void Dispose() => _metrics.Dispose();
}
