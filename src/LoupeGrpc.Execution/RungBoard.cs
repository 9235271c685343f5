using LoupeGrpc.Engine;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Execution;

/// <summary>The rungs of a ladder, which of them serves, and who is on which: what was left by all is freed. Thread-safe.</summary>
/// <param name="plan">Best first.</param>
internal sealed class RungBoard(IReadOnlyList<PlannedRung> plan, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Task> _freeing = [];
    private Rung? _current;

    /// <summary>Best first.</summary>
    public IReadOnlyList<Rung> Rungs { get; } = [.. plan.Select(static rung => new Rung(rung))];

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

    /// <summary>Of all engines of what serves.</summary>
    public FrameCapacity Capacity
    {
        get
        {
            lock (_lock)
            {
                return _current?.Engines.Aggregate(default(FrameCapacity), static (sum, engine) => sum + engine.Engine.Capacity) ?? default;
            }
        }
    }

    public IReadOnlyList<RungReport> Report()
    {
        lock (_lock)
        {
            return [.. Rungs.Select(rung => rung.Report(time.GetUtcNow()))];
        }
    }

    /// <summary>Those whose engines are missing and that would be better than what serves, best first.</summary>
    public IReadOnlyList<Rung> FindUnbuilt()
    {
        lock (_lock)
        {
            return [.. Rungs.TakeWhile(rung => rung != _current).Where(static rung => rung.State == RungState.Preparing)];
        }
    }

    /// <summary>Those that hold memory now.</summary>
    public IReadOnlyList<LoupeEngine> Loaded()
    {
        lock (_lock)
        {
            return [.. Rungs.SelectMany(static rung => rung.Engines).Select(static engine => engine.Engine)];
        }
    }

    /// <param name="reason">Why, or what it waits for; may be empty.</param>
    public void Set(Rung rung, RungState state, string reason)
    {
        lock (_lock)
        {
            rung.Change(state, reason, time.GetUtcNow());
        }
    }

    /// <summary>Nothing is built any more.</summary>
    /// <param name="state">For the rungs that still wait for their engines.</param>
    public void EndPreparing(RungState state, string reason)
    {
        lock (_lock)
        {
            foreach (var rung in Rungs.Where(static rung => rung.State == RungState.Preparing))
            {
                rung.Change(state, reason, time.GetUtcNow());
            }
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
            rung.Change(RungState.Serving, string.Empty, time.GetUtcNow());
            _current = rung;
            if (left?.State == RungState.Serving)
            {
                left.Change(RungState.Standby, string.Empty, time.GetUtcNow());
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

    /// <summary>Frees what serves and what was left.</summary>
    public async ValueTask DisposeAsync()
    {
        Task left;
        lock (_lock)
        {
            left = Task.WhenAll(_freeing);
        }

        await left.ConfigureAwait(false);
        foreach (var engine in Loaded())
        {
            await FreeAsync(engine).ConfigureAwait(false);
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
                    await FreeAsync(engine.Engine).ConfigureAwait(false);
                }

                LadderLog.Freed(logger, rung.Plan.Provider);
            }));
        }
    }

    /// <summary>One that cannot be freed must not keep the others from it.</summary>
    private async Task FreeAsync(LoupeEngine engine)
    {
        try
        {
            await engine.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever it is, there is nothing left to do but to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LadderLog.NotFreed(logger, engine.Execution.Provider, exception);
        }
    }
}
