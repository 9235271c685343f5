using System.Collections.Concurrent;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>
/// Puts a load on a server and measures what comes of it. In the open loop a frame's latency counts from when it was due, not from when it could be sent: a server
/// that holds up its clients does not look the better for what they could not ask it meanwhile.
/// </summary>
internal sealed class BenchRun(LoupeClient client, BenchPlan plan, TimeProvider time)
{
    /// <summary>How long outcomes may take when nothing is sent any more.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly BenchTally _tally = new();
    private readonly ConcurrentBag<string> _faults = [];
    private long _start;
    private TimeSpan _from;
    private TimeSpan _to;

    /// <summary>What ended a stream before its time, in words.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    /// <summary>Messages of frames that failed, and how many each stands for.</summary>
    public IReadOnlyDictionary<string, int> Failures => _tally.Failures;

    /// <param name="interrupt">Sends nothing more, and measures what was measured by then.</param>
    /// <exception cref="LoupeException">A session could not be opened.</exception>
    public async Task<BenchFigures> RunAsync(CancellationToken interrupt)
    {
        List<LoupeSession> sessions = [];
        try
        {
            for (var stream = 0; stream < plan.Streams; stream++)
            {
                sessions.Add(await client.OpenSessionAsync(
                    new LoupeSessionOptions
                    {
                        Name = $"bench-{stream}",
                        Model = plan.Model,
                        Delivery = plan.Delivery,
                        Mask = new MaskSettings { Policy = plan.Mask },
                        Adaptation = plan.Adapts ? new AdaptationSettings { Enabled = true } : null,
                        MaxFramesInFlight = Math.Min(plan.Window ?? 4096, 4096),
                    },
                    interrupt));
            }

            var started = time.GetUtcNow();
            _start = time.GetTimestamp();
            (_from, _to) = (plan.WarmUp, plan.WarmUp + plan.Length);
            await Task.WhenAll(sessions.Select((session, stream) => Task.Run(() => StreamAsync(session, stream, interrupt), CancellationToken.None)));
            var counted = interrupt.IsCancellationRequested ? Now - _from : plan.Length;
            var grant = sessions[0].Grant;
            return _tally.ToFigures(plan, counted < plan.Length ? Max(counted, TimeSpan.Zero) : plan.Length) with
            {
                Started = started,
                Server = ServerOptions.Show(client.Address),
                Model = grant.Model is { } model ? $"{model.Name} {model.Version} {model.Hash[..Math.Min(8, model.Hash.Length)]}" : "",
                Execution = grant.Execution is { } execution ? $"{execution.Provider} {execution.Precision}" : "",
            };
        }
        finally
        {
            foreach (var session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    private TimeSpan Now => time.GetElapsedTime(_start);

    private async Task StreamAsync(LoupeSession session, int stream, CancellationToken interrupt)
    {
        var due = new ConcurrentDictionary<ulong, TimeSpan>();
        using var slots = plan.Window is { } window ? new SemaphoreSlim(window) : null;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(interrupt);
        using var patience = new CancellationTokenSource();
        await using var timer = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), over, Max(_to - Now, TimeSpan.Zero), Timeout.InfiniteTimeSpan);
        var reading = ReadAsync(session, due, slots, patience.Token);
        try
        {
            await (slots is null ? SendDueAsync(session, stream, due, over.Token) : SendAsync(session, stream, due, slots, over.Token));
            patience.CancelAfter(Patience);
            await session.CompleteAsync(patience.Token);
        }
        catch (Exception error) when (error is LoupeException or OperationCanceledException)
        {
            _faults.Add(error is LoupeException
                ? $"stream {stream}: {error.Message}"
                : $"stream {stream}: {due.Count} frames had no outcome {Patience.TotalSeconds:0} seconds after the last was sent");
            await patience.CancelAsync();
        }

        await reading;
    }

    /// <summary>Closed loop: the next frame goes when there is a place for it.</summary>
    private async Task SendAsync(LoupeSession session, int stream, ConcurrentDictionary<ulong, TimeSpan> due, SemaphoreSlim slots, CancellationToken over)
    {
        for (ulong number = 0; await WaitAsync(slots, over); number++)
        {
            due[number] = Now;
            await session.SendAsync(FrameOf(stream, number), CancellationToken.None);
        }
    }

    /// <summary>Open loop: frames go at their times, or as soon after as they are taken.</summary>
    private async Task SendDueAsync(LoupeSession session, int stream, ConcurrentDictionary<ulong, TimeSpan> due, CancellationToken over)
    {
        ulong number = 0;
        foreach (var seconds in plan.Arrivals!(stream))
        {
            var at = TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2));
            if (at >= _to)
            {
                return;
            }

            if (at > Now && !await DelayAsync(at - Now, over))
            {
                return;
            }

            if (over.IsCancellationRequested)
            {
                CountUnsent(at);
                continue;
            }

            due[number] = at;
            try
            {
                await session.SendAsync(FrameOf(stream, number), over);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                due.TryRemove(number, out _);
                CountUnsent(at);
                continue;
            }

            if (at >= _from)
            {
                _tally.Lag(Max(Now - at, TimeSpan.Zero));
            }

            number++;
        }
    }

    private void CountUnsent(TimeSpan at)
    {
        // Interrupted, what was due later was never to be.
        if (at >= _from && at <= Now)
        {
            _tally.Unsent(Now - at);
        }
    }

    private async Task ReadAsync(LoupeSession session, ConcurrentDictionary<ulong, TimeSpan> due, SemaphoreSlim? slots, CancellationToken patience)
    {
        try
        {
            await foreach (var outcome in session.Results(patience))
            {
                var now = Now;
                if (due.TryRemove(outcome.FrameId, out var at) && at >= _from)
                {
                    _tally.Take(outcome, now - at, now <= _to);
                }

                slots?.Release();
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // The stream says that it ended so.
        }

        // A session that broke has no more outcomes: nobody is to wait for a place.
        slots?.Release();
    }

    private EncodedFrame FrameOf(int stream, ulong number) =>
        // Streams begin at different pictures: what one of them has warmed up in a cache is not another's.
        new(plan.Pictures[(int)((number + (ulong)stream) % (ulong)plan.Pictures.Count)]) { FrameId = number };

    private static async Task<bool> WaitAsync(SemaphoreSlim slots, CancellationToken over)
    {
        try
        {
            await slots.WaitAsync(over);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> DelayAsync(TimeSpan delay, CancellationToken over)
    {
        try
        {
            await Task.Delay(delay, time, over);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
