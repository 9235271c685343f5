using System.Runtime.InteropServices;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// Gives memory back to the system after a burst, and when a model was freed: both the collector and the C library's allocator keep what they once had, and on a machine that others
/// use that is lost for them. A collection of everything stops all threads for some tens of milliseconds, so it is done once a burst is over, or after memory has grown by much (<see cref="GrowthWatch"/>), and not more often.
/// </summary>
internal sealed class MemoryTrim(MemoryLedger ledger, ModelRepository models, TransportBlocks blocks, TimeProvider time) : BackgroundService
{
    /// <summary>Bytes that callers made the server keep, at least, for it to be a burst.</summary>
    private const long Burst = 64L << 20;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Samples in a row with less than a quarter of the most.</summary>
    private const int Quiet = 3;

    /// <summary>Between collections: pools of arrays let go of what two of them, this far apart, found unused.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(65);

    private const int Passes = 2;

    private readonly BurstWatch _watch = new(Burst, Quiet);

    /// <summary>One large message after the other is no burst at any moment, and leaves as much behind.</summary>
    private readonly GrowthWatch _growth = new(least: 2 * Burst, little: Burst / 4, Quiet);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var freed = models.Freed;
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                if (models.Freed is var now && now != freed)
                {
                    freed = now;
                    GiveBack();
                }

                var held = ledger.Receiving.Held.Bytes + ledger.Frames.Held.Bytes + ledger.Responses.Held;
                var hasGrown = _growth.HasGrown(held, Environment.WorkingSet);
                if (_watch.IsOver(held) || hasGrown)
                {
                    for (var pass = 0; pass < Passes; pass++)
                    {
                        GiveBack();
                        _growth.Settle(Environment.WorkingSet);
                        await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(false);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Nothing is left to do.
        }
    }

    private void GiveBack()
    {
        blocks.Trim();
        PictureBuffers.Shared.Trim();
        // Pools are told of a collection by a finalizer, and what they let go then is free with the next.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (OperatingSystem.IsLinux())
        {
            _ = TrimAllocator(0);
        }
    }

    /// <summary>glibc's: every arena gives back what it does not use.</summary>
    [DllImport("libc", EntryPoint = "malloc_trim")]
    private static extern int TrimAllocator(nuint pad);
}
