using LoupeGrpc.Engine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Execution;

/// <summary>The rungs of a ladder, which of them serves, and who is on which: what was left by all is freed. Thread-safe.</summary>
/// <param name="rungs">Best first.</param>
internal sealed class RungBoard(IReadOnlyList<Rung> rungs, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly List<Task> _freeing = [];
    private Rung? _current;

    /// <summary>Best first.</summary>
    public IReadOnlyList<Rung> Rungs => rungs;

    /// <summary>What serves; null before the first.</summary>
    public Rung? Current
    {
        get
        {
            lock (_lock)
            {
                return _current;
            }
        }
    }

    /// <summary>An engine of what serves.</summary>
    /// <exception cref="InvalidOperationException">Nothing serves yet.</exception>
    public LoupeEngine Engine
    {
        get
        {
            lock (_lock)
            {
                return (_current ?? throw new InvalidOperationException("No rung serves yet.")).Engines[0].Engine;
            }
        }
    }

    public IReadOnlyList<RungReport> Report()
    {
        lock (_lock)
        {
            return [.. rungs.Select(rung => rung.Report(time.GetUtcNow()))];
        }
    }

    /// <summary>Those that hold memory now.</summary>
    public IReadOnlyList<LoupeEngine> Loaded()
    {
        lock (_lock)
        {
            return [.. rungs.SelectMany(static rung => rung.Engines).Select(static engine => engine.Engine)];
        }
    }

    public void Set(Rung rung, RungState state, string reason)
    {
        lock (_lock)
        {
            rung.State = state;
            rung.Reason = reason;
            rung.PreparingSince = state == RungState.Preparing ? rung.PreparingSince ?? time.GetUtcNow() : null;
        }
    }

    /// <summary>From now on this rung serves whoever comes.</summary>
    public void Serve(Rung rung, IEnumerable<LoupeEngine> engines)
    {
        Rung? left;
        lock (_lock)
        {
            left = _current;
            rung.Engines = [.. engines.Select(engine => new RungEngine(rung, engine))];
            (rung.State, rung.Reason, rung.PreparingSince) = (RungState.Serving, string.Empty, null);
            _current = rung;
            if (left?.State == RungState.Serving)
            {
                left.State = RungState.Standby;
            }
        }

        if (left is not null)
        {
            FreeIfLeft(left);
        }
    }

    /// <summary>Puts a session on what serves now, on the device with the fewest of them.</summary>
    public RungEngine Attach()
    {
        lock (_lock)
        {
            var engine = _current!.Engines.MinBy(static engine => engine.Sessions)!;
            engine.Sessions++;
            return engine;
        }
    }

    /// <summary>Moves a session to what serves now.</summary>
    /// <returns>The engine it was on where nothing changed.</returns>
    public RungEngine Move(RungEngine from)
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

        FreeIfLeft(from.Rung);
        return to;
    }

    /// <summary>A session has ended.</summary>
    public void Leave(RungEngine engine)
    {
        lock (_lock)
        {
            engine.Sessions--;
        }

        FreeIfLeft(engine.Rung);
    }

    /// <summary>A frame goes in.</summary>
    public void BeginCall(RungEngine engine)
    {
        lock (_lock)
        {
            engine.Calls++;
        }
    }

    /// <summary>A frame was answered.</summary>
    public void EndCall(RungEngine engine)
    {
        lock (_lock)
        {
            engine.Calls--;
        }

        FreeIfLeft(engine.Rung);
    }

    /// <summary>Done when what was left is freed.</summary>
    public Task WhenFreed()
    {
        lock (_lock)
        {
            return Task.WhenAll(_freeing);
        }
    }

    private void FreeIfLeft(Rung rung)
    {
        lock (_lock)
        {
            if (rung == _current || !rung.IsIdle || rung.Engines.Count == 0)
            {
                return;
            }

            var engines = rung.Engines;
            rung.Engines = [];
            // Joins the engine's threads: not on the thread that gave the last answer.
            _freeing.Add(Task.Run(async () =>
            {
                foreach (var engine in engines)
                {
                    await engine.Engine.DisposeAsync().ConfigureAwait(false);
                }

                LadderLog.Freed(logger, rung.Plan.Provider);
            }));
        }
    }
}
