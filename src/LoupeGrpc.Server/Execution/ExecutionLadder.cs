using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Execution;

/// <summary>
/// The configured providers, best first: the best that proves itself serves. One that has to build its engines first does so beside the service, and takes
/// over when it is ready: sessions move between two of their frames, and what they left is freed with the last of them. Thread-safe.
/// </summary>
internal sealed class ExecutionLadder : IAsyncDisposable
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

    private ExecutionLadder(RungStarter starter, RungBoard board, TimeProvider time, ILogger logger)
    {
        _starter = starter;
        _board = board;
        _time = time;
        _logger = logger;
    }

    /// <summary>What sessions that open now run on.</summary>
    public ExecutionDescription Execution => _board.Engine.Execution;

    /// <summary>Done when a device that serves is lost, with the reason: nothing can be analysed any more.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Ready at once on the best rung that needs nothing built. Those above it are built in the background from now on.</summary>
    /// <exception cref="ModelLoadException">No rung can serve; the message has every reason.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<ExecutionLadder> StartAsync(
        IReadOnlyList<PlannedRung> plan, RungStarter starter, TimeProvider time, ILogger<ExecutionLadder> logger, CancellationToken cancellationToken)
    {
        var ladder = new ExecutionLadder(starter, new RungBoard([.. plan.Select(static rung => new Rung(rung))], time, logger), time, logger);
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

    public IReadOnlyList<RungReport> Report() => _board.Report();

    /// <summary>A place for a session on what serves now.</summary>
    /// <param name="pinned">It stays there, whatever serves later.</param>
    public ExecutionLane Open(bool pinned) => new(_board, pinned);

    /// <summary>Begins adapting a session: at the package's own parameters, which are the same on every rung.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => _board.Engine.CreateAdaptation(settings);

    /// <summary>Ends runs in progress and answers everything inside: for a host whose time to drain is over.</summary>
    public void Abort()
    {
        foreach (var engine in _board.Loaded())
        {
            engine.Abort();
        }
    }

    /// <summary>Gives building up, answers what is inside, frees everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _climbing.ConfigureAwait(false);
        await _board.WhenFreed().ConfigureAwait(false);
        foreach (var engine in _board.Loaded())
        {
            await engine.DisposeAsync().ConfigureAwait(false);
        }

        _stopping.Dispose();
    }

    private async Task FindFirstAsync(CancellationToken cancellationToken)
    {
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
                _board.Set(rung, RungState.Preparing, "waits for the server to be ready");
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

        var reasons = string.Join("; ", _board.Rungs.Select(static rung => $"{rung.Plan.Provider}: {rung.Reason}"));
        throw new ModelLoadException($"No execution provider can serve (Loupe:Execution:Providers, Loupe:Execution:Require): {reasons}");
    }

    /// <summary>Builds what is better than what serves, best first, until one of them serves.</summary>
    private async Task ClimbAsync()
    {
        try
        {
            foreach (var rung in _board.Rungs.TakeWhile(rung => rung != _board.Current).Where(static rung => rung.State == RungState.Preparing).ToList())
            {
                if (await BuildAsync(rung, _stopping.Token).ConfigureAwait(false))
                {
                    break;
                }
            }

            foreach (var rung in _board.Rungs.Where(static rung => rung.State == RungState.Preparing))
            {
                _board.Set(rung, RungState.Standby, "a better one serves");
            }
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
            foreach (var rung in _board.Rungs.Where(static rung => rung.State == RungState.Preparing))
            {
                _board.Set(rung, RungState.Unavailable, exception.Message);
            }
        }
    }

    private async Task<bool> BuildAsync(Rung rung, CancellationToken cancellationToken)
    {
        _board.Set(rung, RungState.Preparing, "begins to build engines");
        var logged = _time.GetTimestamp();
        LadderLog.BuildBegins(_logger, rung.Plan.Provider, rung.Plan.Precision);
        if (await _starter.BuildAsync(rung.Plan, Report, cancellationToken).ConfigureAwait(false) is { } mistake)
        {
            Refuse(rung, RungState.Unavailable, mistake);
            return false;
        }

        var took = _time.GetUtcNow() - rung.PreparingSince!.Value;
        if (await ExamineAsync(rung, cancellationToken).ConfigureAwait(false) is not { } examined)
        {
            return false;
        }

        if (examined.MustBuild)
        {
            Refuse(rung, RungState.Unavailable, "what was built cannot be used");
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
        if (examined.Mistake is null)
        {
            return examined;
        }

        Refuse(rung, RungState.Unavailable, examined.Mistake);
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
        catch (Exception exception) when (exception is ModelLoadException or OperationCanceledException)
        {
            foreach (var engine in engines)
            {
                await engine.DisposeAsync().ConfigureAwait(false);
            }

            if (exception is OperationCanceledException)
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

    /// <summary>A device that is lost takes with it whatever else the process has on it.</summary>
    private async Task WatchAsync(Rung rung, LoupeEngine engine)
    {
        var reason = await engine.Lost.ConfigureAwait(false);
        _board.Set(rung, RungState.Demoted, reason);
        LadderLog.DeviceLost(_logger, rung.Plan.Provider, reason);
        _lost.TrySetResult($"{rung.Plan.Provider}: {reason}");
    }

    private void Refuse(Rung rung, RungState state, string reason)
    {
        _board.Set(rung, state, reason);
        LadderLog.RungLeft(_logger, rung.Plan.Provider, rung.Plan.Precision, reason);
    }
}
