using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Execution;

/// <summary>
/// The configured providers, best first: the best that proves itself serves. One that has to build its engines first does so beside the service, and takes
/// over when it is ready: sessions move between two of their frames, and what they left is freed with the last of them. Thread-safe.
/// </summary>
public sealed class ExecutionLadder : IFrameAnalyzer, IAsyncDisposable
{
    /// <summary>A build takes minutes: the log says now and then that it goes on.</summary>
    private static readonly TimeSpan BuildLogInterval = TimeSpan.FromSeconds(15);

    private readonly RungStarter _starter;
    private readonly RungBoard _board;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _climbing = Task.CompletedTask;

    private ExecutionLadder(ModelPackage package, RungStarter starter, RungBoard board, TimeProvider time, ILogger logger)
    {
        Model = package.Describe();
        _starter = starter;
        _board = board;
        _time = time;
        _logger = logger;
    }

    public ModelDescription Model { get; }

    public ExecutionDescription Execution => _board.Engine.Execution;

    public IReadOnlyList<RungReport> Ladder => _board.Report();

    public FrameCapacity Capacity => _board.Capacity;

    public bool IsOverdue => _board.Loaded().Any(static engine => engine.IsOverdue);

    /// <summary>Done when a device that serves is lost, with the reason: nothing can be analysed any more.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Ready at once on the best rung that needs nothing built. Those above it are built in the background from now on.</summary>
    /// <exception cref="ModelLoadException">No rung can serve; the message has every reason.</exception>
    /// <exception cref="OperationCanceledException"/>
    internal static async Task<ExecutionLadder> StartAsync(
        ModelPackage package, IReadOnlyList<PlannedRung> plan, RungStarter starter, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var ladder = new ExecutionLadder(package, starter, new RungBoard(plan, time, logger), time, logger);
        try
        {
            await ladder.FindFirstAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await ladder.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        ladder._climbing = Task.Run(ladder.ClimbAsync, CancellationToken.None);
        return ladder;
    }

    public IAnalysisLane OpenLane(bool pinned) => new ExecutionLane(_board, pinned);

    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => _board.Engine.CreateAdaptation(settings);

    /// <summary>Ends runs in progress and answers everything inside: for a host whose time to drain is over.</summary>
    public void Abort()
    {
        foreach (var engine in _board.Loaded())
        {
            engine.Abort();
        }
    }

    /// <summary>Stops building, answers what is inside, frees everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _climbing.ConfigureAwait(false);
        await _board.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task FindFirstAsync(CancellationToken cancellationToken)
    {
        LogWhatIsNotInBuild();
        List<Rung> unbuilt = [];
        foreach (var rung in _board.Rungs)
        {
            var examined = await ExamineAsync(rung, cancellationToken).ConfigureAwait(false);
            if (examined is null)
            {
                continue;
            }

            if (examined.MustBuild)
            {
                _board.Set(rung, RungState.Preparing, "waiting for the server to be ready");
                unbuilt.Add(rung);
            }
            else if (await TryServeAsync(rung, examined, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        // Nothing below: whoever wants no fallback waits.
        foreach (var rung in unbuilt)
        {
            if (await BuildAsync(rung, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        var reasons = string.Join("; ", _board.Report().Select(static rung => $"{rung.Provider}: {rung.Reason}"));
        throw new ModelLoadException($"No execution provider can serve (Loupe:Execution:Providers, Loupe:Execution:Require): {reasons}");
    }

    /// <summary>Builds what is better than what serves, best first, until one of them serves. Never throws: nobody waits for it but the end.</summary>
    private async Task ClimbAsync()
    {
        try
        {
            foreach (var rung in _board.FindUnbuilt())
            {
                if (await BuildAsync(rung, _stopping.Token).ConfigureAwait(false))
                {
                    break;
                }
            }

            _board.EndPreparing(RungState.Standby, "a better provider serves");
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
#pragma warning disable CA1031 // What serves must not end with what was only to be better.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LadderLog.ClimbingFailed(_logger, exception);
            _board.EndPreparing(RungState.Unavailable, exception.Message);
        }
    }

    private async Task<bool> BuildAsync(Rung rung, CancellationToken cancellationToken)
    {
        _board.Set(rung, RungState.Preparing, "starting to build engines");
        var began = _time.GetTimestamp();
        var logged = began;
        LadderLog.BuildBegins(_logger, rung.Plan.Provider, rung.Plan.Precision);
        if (await _starter.BuildAsync(rung.Plan, Report, cancellationToken).ConfigureAwait(false) is { } error)
        {
            Refuse(rung, RungState.Unavailable, error);
            return false;
        }

        var took = _time.GetElapsedTime(began);
        if (await ExamineAsync(rung, cancellationToken).ConfigureAwait(false) is not { } examined)
        {
            return false;
        }

        if (examined.MustBuild)
        {
            Refuse(rung, RungState.Unavailable, "the engines that were built for it cannot be used");
            return false;
        }

        LadderLog.Built(_logger, rung.Plan.Provider, rung.Plan.Precision, took.TotalSeconds);
        return await TryServeAsync(rung, examined, cancellationToken).ConfigureAwait(false);

        void Report(string phase)
        {
            _board.Set(rung, RungState.Preparing, phase);
            if (_time.GetElapsedTime(logged) >= BuildLogInterval)
            {
                logged = _time.GetTimestamp();
                LadderLog.Building(_logger, rung.Plan.Provider, rung.Plan.Precision, phase);
            }
        }
    }

    private async Task<ExaminedRung?> ExamineAsync(Rung rung, CancellationToken cancellationToken)
    {
        var examined = await _starter.ExamineAsync(rung.Plan, cancellationToken).ConfigureAwait(false);
        if (examined.Error is null)
        {
            return examined;
        }

        Refuse(rung, RungState.Unavailable, examined.Error);
        return null;
    }

    private async Task<bool> TryServeAsync(Rung rung, ExaminedRung examined, CancellationToken cancellationToken)
    {
        List<LoupeEngine> engines = [];
        try
        {
            foreach (var target in examined.Targets)
            {
                engines.Add(await _starter.StartAsync(target, cancellationToken).ConfigureAwait(false));
            }
        }
        catch (Exception exception)
        {
            foreach (var engine in engines)
            {
                await engine.DisposeAsync().ConfigureAwait(false);
            }

            if (exception is not ModelLoadException)
            {
                throw;
            }

            Refuse(rung, RungState.Demoted, exception.Message);
            return false;
        }

        Serve(rung, engines);
        return true;
    }

    private void Serve(Rung rung, List<LoupeEngine> engines)
    {
        _board.Serve(rung, engines);
        foreach (var engine in engines)
        {
            _ = WatchAsync(rung, engine);
        }

        LadderLog.Serves(_logger, rung.Plan.Provider, rung.Plan.Precision, engines[0].Execution.Device);
    }

    /// <summary>
    /// A device that is lost takes with it whatever else the process has on it. Nobody waits for this task, so nothing that fails in it may stay in it:
    /// the server would answer no frame any more, and serve on.
    /// </summary>
    private async Task WatchAsync(Rung rung, LoupeEngine engine)
    {
        var reason = "its device can no longer be watched";
        try
        {
            reason = await engine.Lost.ConfigureAwait(false);
            _board.Set(rung, RungState.Demoted, reason);
            LadderLog.DeviceLost(_logger, rung.Plan.Provider, reason);
        }
#pragma warning disable CA1031 // Whatever it is, the server must end as it does for a lost device.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LadderLog.WatchFailed(_logger, rung.Plan.Provider, exception);
        }
        finally
        {
            _lost.TrySetResult($"{rung.Plan.Provider}: {reason}");
        }
    }

    private void Refuse(Rung rung, RungState state, string reason)
    {
        _board.Set(rung, state, reason);
        if (ProviderTrial.IsInBuild(rung.Plan.Kind))
        {
            LadderLog.RungLeft(_logger, rung.Plan.Provider, rung.Plan.Precision, reason);
        }
    }

    /// <summary>Of a build for CPUs that is known beforehand, and one line says it for all.</summary>
    private void LogWhatIsNotInBuild()
    {
        string[] missing = [.. _board.Rungs.Where(static rung => !ProviderTrial.IsInBuild(rung.Plan.Kind)).Select(static rung => rung.Plan.Provider)];
        if (missing.Length > 0)
        {
            var isDefault = _board.Rungs.Select(static rung => rung.Plan.Provider).SequenceEqual(new ExecutionOptions().Providers);
            var names = string.Join(", ", missing);
            LadderLog.NotInBuild(_logger, isDefault ? LogLevel.Information : LogLevel.Warning, names);
        }
    }
}
