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
    private readonly Lock _lock = new();
    private readonly RungStarter _starter;
    private readonly Rung[] _rungs;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Rung _current;
    private Task _climbing = Task.CompletedTask;

    private ExecutionLadder(RungStarter starter, Rung[] rungs, TimeProvider time, ILogger logger)
    {
        _starter = starter;
        _rungs = rungs;
        _current = rungs[0];
        _time = time;
        _logger = logger;
    }

    /// <summary>What sessions that open now run on.</summary>
    public ExecutionDescription Execution
    {
        get
        {
            lock (_lock)
            {
                return _current.Engines[0].Engine.Execution;
            }
        }
    }

    /// <summary>Done when a device that serves is lost, with the reason: nothing can be analysed any more.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Ready at once on the best rung that needs nothing built. Those above it are built in the background from now on.</summary>
    /// <exception cref="ModelLoadException">No rung can serve; the message has every reason.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<ExecutionLadder> StartAsync(
        IReadOnlyList<PlannedRung> plan, RungStarter starter, TimeProvider time, ILogger<ExecutionLadder> logger, CancellationToken cancellationToken)
    {
        var ladder = new ExecutionLadder(starter, [.. plan.Select(static rung => new Rung(rung))], time, logger);
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

    public IReadOnlyList<RungReport> Report()
    {
        lock (_lock)
        {
            return [.. _rungs.Select(rung => rung.Report(_time.GetUtcNow()))];
        }
    }

    /// <summary>Attaches a session to what serves now, on the device with the fewest of them.</summary>
    /// <param name="pinned">It stays there, whatever serves later.</param>
    public ExecutionLane Open(bool pinned)
    {
        lock (_lock)
        {
            return new ExecutionLane(this, Attach(), pinned);
        }
    }

    /// <summary>Begins adapting a session: at the package's own parameters, which are the same on every rung.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public AdaptationSession CreateAdaptation(AdaptationSettings settings)
    {
        LoupeEngine engine;
        lock (_lock)
        {
            engine = _current.Engines[0].Engine;
        }

        return engine.CreateAdaptation(settings);
    }

    /// <summary>Ends runs in progress and answers everything inside: for a host whose time to drain is over.</summary>
    public void Abort()
    {
        foreach (var engine in Loaded())
        {
            engine.Engine.Abort();
        }
    }

    /// <summary>Gives building up, answers what is inside, frees everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _climbing.ConfigureAwait(false);
        foreach (var engine in Loaded())
        {
            await engine.Engine.DisposeAsync().ConfigureAwait(false);
        }

        _stopping.Dispose();
    }

    /// <summary>Moves a session to what serves now.</summary>
    /// <returns>The engine it was on where nothing changed.</returns>
    internal RungEngine Move(RungEngine from)
    {
        RungEngine to;
        lock (_lock)
        {
            if (from.Rung == _current)
            {
                return from;
            }

            to = Attach();
            from.Sessions--;
        }

        Free(from.Rung);
        return to;
    }

    internal void Leave(RungEngine engine)
    {
        lock (_lock)
        {
            engine.Sessions--;
        }

        Free(engine.Rung);
    }

    internal void BeginCall(RungEngine engine)
    {
        lock (_lock)
        {
            engine.Calls++;
        }
    }

    internal void EndCall(RungEngine engine)
    {
        lock (_lock)
        {
            engine.Calls--;
        }

        Free(engine.Rung);
    }

    private RungEngine Attach()
    {
        var engine = _current.Engines.MinBy(static engine => engine.Sessions)!;
        engine.Sessions++;
        return engine;
    }

    private List<RungEngine> Loaded()
    {
        lock (_lock)
        {
            return [.. _rungs.SelectMany(static rung => rung.Engines)];
        }
    }

    /// <summary>Frees a rung that was left by all.</summary>
    private void Free(Rung rung)
    {
        IReadOnlyList<RungEngine> engines;
        lock (_lock)
        {
            if (rung == _current || !rung.IsIdle)
            {
                return;
            }

            engines = rung.Engines;
            rung.Engines = [];
        }

        if (engines.Count > 0)
        {
            // Joins the engine's threads: not on the thread that gave the last answer.
            _ = Task.Run(async () =>
            {
                foreach (var engine in engines)
                {
                    await engine.Engine.DisposeAsync().ConfigureAwait(false);
                }

                LadderLog.Freed(_logger, rung.Plan.Provider);
            });
        }
    }

    private async Task FindFirstAsync(CancellationToken cancellationToken)
    {
        List<Rung> unbuilt = [];
        foreach (var rung in _rungs)
        {
            var examined = await ExamineAsync(rung, cancellationToken).ConfigureAwait(false);
            if (examined is null)
            {
                continue;
            }

            if (examined.MustBuild)
            {
                Set(rung, RungState.Preparing, "waits for the server to be ready");
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

        var reasons = string.Join("; ", _rungs.Select(static rung => $"{rung.Plan.Provider}: {rung.Reason}"));
        throw new ModelLoadException($"No execution provider can serve (Loupe:Execution:Providers, Loupe:Execution:Require): {reasons}");
    }

    /// <summary>Builds what is better than what serves, best first, until one of them serves.</summary>
    private async Task ClimbAsync()
    {
        try
        {
            foreach (var rung in _rungs.TakeWhile(rung => rung != _current).Where(static rung => rung.State == RungState.Preparing).ToList())
            {
                if (await BuildAsync(rung, _stopping.Token).ConfigureAwait(false))
                {
                    break;
                }
            }

            foreach (var rung in _rungs.Where(static rung => rung.State == RungState.Preparing))
            {
                Set(rung, RungState.Standby, "a better one serves");
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
            foreach (var rung in _rungs.Where(static rung => rung.State == RungState.Preparing))
            {
                Set(rung, RungState.Unavailable, exception.Message);
            }
        }
    }

    private async Task<bool> BuildAsync(Rung rung, CancellationToken cancellationToken)
    {
        Set(rung, RungState.Preparing, "begins to build engines");
        LadderLog.BuildBegins(_logger, rung.Plan.Provider, rung.Plan.Precision);
        if (await _starter.BuildAsync(rung.Plan, phase => Set(rung, RungState.Preparing, phase), cancellationToken).ConfigureAwait(false) is { } mistake)
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
        Rung left;
        lock (_lock)
        {
            left = _current;
            rung.Engines = [.. engines.Select(engine => new RungEngine(rung, engine))];
            (rung.State, rung.Reason, rung.PreparingSince) = (RungState.Serving, string.Empty, null);
            _current = rung;
            if (left != rung && left.State == RungState.Serving)
            {
                left.State = RungState.Standby;
            }
        }

        foreach (var engine in engines)
        {
            _ = WatchAsync(rung, engine);
        }

        LadderLog.Serves(_logger, rung.Plan.Provider, rung.Plan.Precision, engines[0].Execution.Device);
        if (left != rung)
        {
            Free(left);
        }
    }

    /// <summary>A device that is lost takes with it whatever else the process has on it.</summary>
    private async Task WatchAsync(Rung rung, LoupeEngine engine)
    {
        var reason = await engine.Lost.ConfigureAwait(false);
        Set(rung, RungState.Demoted, reason);
        LadderLog.DeviceLost(_logger, rung.Plan.Provider, reason);
        _lost.TrySetResult($"{rung.Plan.Provider}: {reason}");
    }

    private void Refuse(Rung rung, RungState state, string reason)
    {
        Set(rung, state, reason);
        LadderLog.RungLeft(_logger, rung.Plan.Provider, rung.Plan.Precision, reason);
    }

    private void Set(Rung rung, RungState state, string reason)
    {
        lock (_lock)
        {
            rung.State = state;
            rung.Reason = reason;
            rung.PreparingSince = state == RungState.Preparing ? rung.PreparingSince ?? _time.GetUtcNow() : null;
        }
    }
}
