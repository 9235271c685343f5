using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Pipeline;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Scheduling;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine;

/// <summary>Runs one model package. Thread-safe.</summary>
public sealed class LoupeEngine : IAsyncDisposable
{
    // A run that hangs goes on reading and writing its memory: nothing of it may be freed, nor found by the collector.
    private static readonly ConcurrentBag<ModelRuns> LeftBehind = [];

    private readonly ModelRuns _runs;
    private readonly FramePipeline _pipeline;
    private readonly EngineMetrics _metrics;
    private readonly ThetaLayout _thetaLayout;
    private readonly Lazy<Task> _disposal;

    private LoupeEngine(ModelPackage package, EngineOptions options, ModelRuns runs, FramePipeline pipeline, EngineMetrics metrics, ExecutionDescription execution)
    {
        Package = package;
        Options = options;
        Execution = execution;
        _runs = runs;
        _pipeline = pipeline;
        _metrics = metrics;
        _thetaLayout = new ThetaLayout(package.Manifest.AdaptedTensors);
        _disposal = new Lazy<Task>(DisposeOnceAsync);
    }

    public ModelPackage Package { get; }

    public EngineOptions Options { get; }

    public ExecutionDescription Execution { get; }

    /// <summary>How it answered the package's recorded input at the start.</summary>
    public SelfCheckReport SelfCheck => _runs.SelfCheck;

    /// <summary>
    /// Ends with the reason, for people, when the device is lost: a run failed and the self-check after it too, the provider said that nothing will
    /// run in this process any more, or a run did not end (<see cref="EngineOptions.RunTimeoutFactor"/>). Every frame is answered
    /// <see cref="FailureKind.ModelFault"/> from then on. Never ends otherwise.
    /// </summary>
    public Task<string> Lost => _pipeline.Lost;

    /// <summary>Whether a run has taken half of what it may take and has not ended: it goes on, or <see cref="Lost"/> ends.</summary>
    public bool IsOverdue => _runs.Watchdog.IsOverdue;

    /// <summary>The account of what is inside and who waits to get in, against <see cref="EngineOptions.MaxFramesInPipeline"/> and the limits beside it. To be looked at only.</summary>
    public Room Room => _pipeline.Room;

    /// <summary>The most frames that one run takes now: the largest bucket of the target, less after the device ran out of memory.</summary>
    public int LargestBatch => _runs.Sizes.Largest;

    /// <summary>What keeps it busy. At most <see cref="EngineOptions.MaxFramesInPipeline"/> frames.</summary>
    public FrameCapacity Capacity => _pipeline.Capacity;

    /// <summary>Checks the package's hashes, loads the graphs and runs the golden self-check in every bucket, which warms them up too.</summary>
    /// <param name="meters">Where the instruments of the meter <c>LoupeGrpc.Engine</c> are made; null: in a meter of their own.</param>
    /// <param name="shared">What several engines may have inside together, which this one takes its part of; null: it is alone.</param>
    /// <exception cref="SelfCheckException">It runs, but computes something else than where the package was made.</exception>
    /// <exception cref="ModelLoadException">The package cannot be run here; the message says why.</exception>
    /// <exception cref="ArgumentException">An option is out of its range (<see cref="EngineOptions.Validate"/>), or the target's buckets are no buckets.</exception>
    public static Task<LoupeEngine> StartAsync(
        ModelPackage package,
        EngineOptions options,
        ExecutionTarget target,
        ILoggerFactory loggers,
        TimeProvider time,
        CancellationToken cancellationToken,
        IMeterFactory? meters = null,
        Room? shared = null)
    {
        List<string> errors = [.. options.Validate(), .. target.Validate()];
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', errors), nameof(options));
        }

        // Seconds of reading and computing: not on the caller's thread.
        return Task.Run(() => Start(package, options, target, loggers.CreateLogger<LoupeEngine>(), time, meters, shared, cancellationToken), cancellationToken);
    }

    /// <summary>Starts adapting a session at the package's parameters.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public AdaptationSession CreateAdaptation(AdaptationSettings settings)
    {
        var errors = settings.Validate();
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', errors), nameof(settings));
        }

        return new AdaptationSession(_thetaLayout, _runs.Model.BaseParameters.Memory, Package.Hash, settings);
    }

    /// <summary>
    /// Analyses one frame. Waits while the pipeline is full: that is the back-pressure. Expected failures come back as values;
    /// cancellation too (<see cref="FailureKind.Canceled"/>). A frame that waits when its deadline passes, or when it is canceled, is answered then.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        _metrics.FrameArrived();
        var outcome = await _pipeline.AnalyzeAsync(input, request, cancellationToken).ConfigureAwait(false);
        _metrics.FrameAnswered(outcome);
        return outcome;
    }

    /// <summary>
    /// Ends inference in progress between two operators and answers every frame inside, and every later one, with
    /// <see cref="FailureKind.Canceled"/>: for a host whose time to drain is over. Frames that wait or run are answered at once, even where a run hangs;
    /// one whose bytes are being decoded when that is over.
    /// </summary>
    public void Abort() => _pipeline.Abort();

    /// <summary>
    /// Answers what is inside, refuses what waits and what comes, frees the sessions. After <see cref="Abort"/> or a loss, threads that still run are waited for
    /// for a second and then left behind with their memory.
    /// </summary>
    public ValueTask DisposeAsync() => new(_disposal.Value);

    private static LoupeEngine Start(
        ModelPackage package,
        EngineOptions options,
        ExecutionTarget target,
        ILogger logger,
        TimeProvider time,
        IMeterFactory? meters,
        Room? shared,
        CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        OpenCv.Initialize();
        var codecs = PictureCodecs.Create(options.Imaging, logger, time);
        CheckHashes(package);
        cancellationToken.ThrowIfCancellationRequested();
        var runs = ModelRuns.Start(package, options, target, logger, time, cancellationToken);
        var execution = target.Describe();
        var metrics = new EngineMetrics(meters);
        FramePipeline pipeline;
        try
        {
            pipeline = FramePipeline.Start(runs, options, execution, codecs, metrics, shared, logger, time);
        }
        catch
        {
            metrics.Dispose();
            runs.Dispose();
            throw;
        }

        EngineLog.ModelReady(
            logger, package.Manifest.Name, package.ShortHash, execution.Provider, execution.Precision, time.GetElapsedTime(start).TotalSeconds);
        return new LoupeEngine(package, options, runs, pipeline, metrics, execution);
    }

    /// <summary>A byte that changed on disk may change answers by less than the self-check sees.</summary>
    private static void CheckHashes(ModelPackage package)
    {
        try
        {
            ModelPackage.Open(package.Directory, PackageCheck.Hashes);
        }
        catch (PackageException exception)
        {
            throw new ModelLoadException(exception.Message, exception);
        }
    }

    private async Task DisposeOnceAsync()
    {
        if (await _pipeline.StopAsync().ConfigureAwait(false))
        {
            _runs.Dispose();
        }
        else
        {
            LeftBehind.Add(_runs);
        }

        _metrics.Dispose();
    }
}
