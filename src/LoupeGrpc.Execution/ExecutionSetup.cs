using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Execution.Builds;
using LoupeGrpc.Execution.Probing;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Execution;

/// <summary>Makes what runs one package as it is configured: a ladder that serves, or engines ahead of time.</summary>
public sealed class ExecutionSetup
{
    private readonly ModelPackage _package;
    private readonly RungStarter _starter;
    private readonly EngineCompiler _compiler;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;

    private ExecutionSetup(
        ModelPackage package, IReadOnlyList<PlannedRung> plan, RungStarter starter, EngineCompiler compiler, TimeProvider time, ILoggerFactory loggers)
    {
        Plan = plan;
        _package = package;
        _starter = starter;
        _compiler = compiler;
        _time = time;
        _loggers = loggers;
    }

    /// <summary>What is configured, in the order of preference.</summary>
    public IReadOnlyList<PlannedRung> Plan { get; }

    /// <summary>Tries nothing and loads nothing yet.</summary>
    /// <param name="engine">How an engine runs, whatever it runs on.</param>
    /// <param name="meters">Where instruments of engines are made; null: each engine has its own, which nobody reads.</param>
    /// <param name="shared">What all engines may have inside together, those of other packages among them; null: each has an account of its own.</param>
    /// <exception cref="PackageException">The package does not have a precision that a setting asks for.</exception>
    public static ExecutionSetup Create(
        ModelPackage package,
        ExecutionOptions options,
        EngineOptions engine,
        ExecutionHost host,
        TimeProvider time,
        ILoggerFactory loggers,
        IMeterFactory? meters = null,
        Room? shared = null)
    {
        var plan = PlannedRung.Plan(options, package);
        LogInt8(plan, package, loggers.CreateLogger<ExecutionSetup>());
        var cache = new EngineCache(EngineDirectory(options, host), loggers.CreateLogger<EngineCache>());
        var starter = new RungStarter(
            package,
            engine,
            new ProviderProber(host, time),
            options.ProbeTimeout,
            cache,
            new EngineBuild(host, package.Directory, options.BuildTimeout),
            loggers,
            time,
            meters,
            shared);
        return new ExecutionSetup(package, plan, starter, new EngineCompiler(package, cache, starter, time), time, loggers);
    }

    /// <summary>Starts serving on the best rung there is. The ladder is the caller's.</summary>
    /// <exception cref="ModelLoadException">None can serve; the message has every reason.</exception>
    /// <exception cref="OperationCanceledException"/>
    public Task<ExecutionLadder> StartLadderAsync(CancellationToken cancellationToken) =>
        ExecutionLadder.StartAsync(_package, Plan, _starter, _time, _loggers.CreateLogger<ExecutionLadder>(), cancellationToken);

    /// <summary>Builds the engines of a rung in this process, where they are missing; one build at a time on this machine.</summary>
    /// <param name="rung">Of <see cref="Plan"/>.</param>
    /// <param name="report">Told what it does, and last what became of it.</param>
    /// <returns>Whether they are all there now.</returns>
    /// <exception cref="IOException">The cache cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor entered.</exception>
    /// <exception cref="OperationCanceledException"/>
    public Task<bool> CompileAsync(PlannedRung rung, Action<CompileLine> report, CancellationToken cancellationToken) =>
        _compiler.CompileAsync(rung, report, cancellationToken);

    /// <summary>Why the CPU runs what it runs, of a package that gives it the choice.</summary>
    private static void LogInt8(IReadOnlyList<PlannedRung> plan, ModelPackage package, ILogger logger)
    {
        if (!package.Manifest.Precisions.ContainsKey(PackageLayout.Int8) || plan.FirstOrDefault(static rung => rung.Kind == ProviderKind.Cpu) is not { } rung)
        {
            return;
        }

        if (rung.Settings.Precision != ProviderSettings.AnyPrecision)
        {
            LadderLog.CpuPrecisionSet(logger, rung.Precision, Int8Processor.Description);
        }
        else
        {
            LadderLog.CpuPrecisionChosen(logger, rung.Precision, Int8Processor.Description);
        }
    }

    private static string EngineDirectory(ExecutionOptions options, ExecutionHost host) => options.CacheDirectory.Length > 0
        ? options.CacheDirectory
        : Path.Combine(host.CacheDirectory ?? Path.Combine(Path.GetTempPath(), "loupe-grpc"), "engines");
}
