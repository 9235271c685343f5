using System.Globalization;
using System.Threading.Channels;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>
/// Sends the items of a source through one session and hands out a row for each, in input order. Items that could not be read take their
/// place among those that were sent. Ctrl-C stops reading, and what is in flight has <see cref="DrainTime"/> to come back.
/// </summary>
/// <param name="source">Where items come from.</param>
/// <param name="sinks">Where rows go, one after the other.</param>
/// <param name="keepFrames">Rows carry what was sent.</param>
/// <param name="host">The process.</param>
/// <param name="notify">Tells people what happens.</param>
/// <param name="checkpoints">The adaptation states that the session begins from and leaves behind; null: none.</param>
internal sealed class AnalysisRun(
    FrameSource source, IReadOnlyList<IOutcomeSink> sinks, bool keepFrames, CliHost host, Action<string> notify, Checkpoints? checkpoints = null)
{
    /// <summary>Long enough for a frame on a CPU, short enough for someone who pressed Ctrl-C.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    /// <summary>A snapshot waits for every frame in flight; someone who asked for it rather waits too, and may press Ctrl-C again.</summary>
    private static readonly TimeSpan SnapshotDrainTime = TimeSpan.FromSeconds(15);

    /// <summary>Items read that have no row yet. Frames among them are bounded by the session's credits, and this bounds the rest.</summary>
    private const int MaxPending = 256;

    private DateTimeOffset? _origin;

    /// <summary>Told what the server says about the session, beside the line for people.</summary>
    public Action<SessionEvent>? Happened { get; init; }

    /// <summary>Told what the session was given, before the first row.</summary>
    public Action<SessionGrant>? Opened { get; init; }

    /// <summary>Says of an item, once the session is open, that it needs no row; null where it does.</summary>
    public Func<SourceItem, DoneInput?> FindDone { get; init; } = _ => null;

    /// <summary>Told in the place of a row, with the item's place in the order of inputs.</summary>
    public Action<SourceItem, ulong, DoneInput>? Skipped { get; init; }

    /// <returns>What the session was and what the server counted; null where none was needed or none came.</returns>
    public async Task<RunReport> RunAsync(LoupeClient client, LoupeSessionOptions options)
    {
        if (source.IsUnreadable)
        {
            ulong frameId = 0;
            await foreach (var item in source.ReadAsync(host.Interrupt))
            {
                Write(item, frameId, ((UnreadableItem)item).ToFailure(frameId), null);
                frameId++;
            }

            return new RunReport(null, null, null);
        }

        await using var session = await client.OpenSessionAsync(options, host.Interrupt);
        Announce(session.Grant);
        Opened?.Invoke(session.Grant);
        checkpoints?.Check(session.Grant);
        using var drain = new CancellationTokenSource(Timeout.InfiniteTimeSpan, host.Time);
        using var onInterrupt = host.Interrupt.Register(() => drain.CancelAfter(checkpoints?.SavesAtEnd == true ? SnapshotDrainTime : DrainTime));
        using var onDrained = drain.Token.Register(() => _ = session.DisposeAsync().AsTask());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(host.Interrupt);
        var pending = Channel.CreateBounded<Pending>(MaxPending);
        var events = ShowEventsAsync(session);
        var sending = SendAsync(session, pending.Writer, stop.Token);
        try
        {
            await WriteRowsAsync(session, pending.Reader);
            var fault = host.Interrupt.IsCancellationRequested ? null : session.Fault?.Message;
            if (fault is not null)
            {
                notify($"error: {fault}");
            }

            return new RunReport(session.Grant, await sending, _origin) { IsRefused = session.Fault is LoupeRefusedException, Fault = fault };
        }
        finally
        {
            await stop.CancelAsync();
            await session.DisposeAsync();
            await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await events;
        }
    }

    private void Announce(SessionGrant grant)
    {
        if (grant.Model?.Demonstration == true)
        {
            notify($"note: {grant.Model.Name} is a demonstration model: decide nothing real with it");
        }

        foreach (var missing in grant.Unavailable)
        {
            notify($"note: not available here: {missing.Feature} ({missing.Reason})");
        }
    }

    private async Task ShowEventsAsync(LoupeSession session)
    {
        await foreach (var happened in session.Events())
        {
            switch (happened)
            {
                case LoupeServerEvent { Event: var told }:
                    notify($"server: {WireName.Of(told.Kind)} {told.Message}");
                    Happened?.Invoke(told);
                    break;
                case LoupeDisconnected broken:
                    notify(Invariant($"warning: {broken.Reason}; trying to go on for {broken.Window.TotalSeconds:0} s"));
                    break;
                case LoupeResumed back:
                    notify(Invariant($"connected again after {back.Outage.TotalSeconds:0.0} s: the session goes on, {Frames(back.FramesSentAgain)} sent again"));
                    break;
            }
        }
    }

    private async Task<SessionSummary?> SendAsync(LoupeSession session, ChannelWriter<Pending> pending, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await SendItemsAsync(session, pending, cancellationToken);
            pending.Complete();
        }
        catch (OperationCanceledException)
        {
            pending.Complete();
        }
        catch (Exception error)
        {
            // The source failed: what was sent still gets its rows, then the run fails with this.
            pending.Complete(error);
        }

        if (checkpoints is not null)
        {
            await checkpoints.SaveAsync(session, notify);
        }

        try
        {
            return await session.CompleteAsync(CancellationToken.None);
        }
        catch (LoupeConnectionLostException)
        {
            // Every frame without an outcome has its row, which says so.
            return null;
        }
    }

    private async Task SendItemsAsync(LoupeSession session, ChannelWriter<Pending> pending, CancellationToken cancellationToken)
    {
        ulong nextId = 0;
        LoupeConnectionLostException? lost = null;
        await foreach (var item in source.ReadAsync(cancellationToken).WithCancellation(cancellationToken))
        {
            var frameId = nextId++;
            _origin ??= item.CaptureTime - TimeSpan.FromSeconds(item.TimeSeconds ?? 0);
            if (lost is not null && item is not UnreadableItem)
            {
                await pending.WriteAsync(new Pending(item, frameId, NotSent(frameId, lost), null), cancellationToken);
                continue;
            }

            if (item is FileItem && await Task.Run(() => FindDone(item), CancellationToken.None).WaitAsync(cancellationToken) is { } done)
            {
                await pending.WriteAsync(new Pending(item, frameId, null, null, done), cancellationToken);
                continue;
            }

            var loaded = await item.LoadAsync(frameId, session.Grant.Limits ?? new Limits(), cancellationToken);
            await pending.WriteAsync(new Pending(item, frameId, loaded.Failure, keepFrames ? loaded.Frame : null), cancellationToken);
            if (loaded.Frame is not null)
            {
                try
                {
                    await session.SendAsync(loaded.Frame, cancellationToken);
                }
                catch (LoupeConnectionLostException error)
                {
                    if (!source.ListsItems)
                    {
                        return;
                    }

                    lost = error;
                }
            }
        }
    }

    private async Task WriteRowsAsync(LoupeSession session, ChannelReader<Pending> pending)
    {
        await using var outcomes = session.Results().GetAsyncEnumerator();
        await foreach (var next in pending.ReadAllAsync())
        {
            if (next.Done is { } done)
            {
                Skipped?.Invoke(next.Item, next.FrameId, done);
                continue;
            }

            LoupeOutcome outcome = next.Failure
                ?? (await outcomes.MoveNextAsync() ? outcomes.Current : NotSent(next.FrameId, session.Fault));
            if (outcome is LoupeFailed { Code: LoupeFailureCode.Canceled } canceled && host.Interrupt.IsCancellationRequested)
            {
                outcome = canceled with { Message = "interrupted before its result came" };
            }

            Write(next.Item, next.FrameId, outcome, next.Frame);
        }
    }

    private LoupeFailed NotSent(ulong frameId, LoupeException? fault) => new()
    {
        FrameId = frameId,
        Index = (long)frameId,
        Code = host.Interrupt.IsCancellationRequested ? LoupeFailureCode.Canceled : LoupeFailureCode.ConnectionLost,
        Message = host.Interrupt.IsCancellationRequested ? "interrupted before it was sent" : $"not sent: {fault?.Message ?? "the session is over"}",
    };

    private void Write(SourceItem item, ulong frameId, LoupeOutcome outcome, LoupeFrame? frame)
    {
        var row = new OutcomeRow(item, frameId, outcome, frame);
        foreach (var sink in sinks)
        {
            sink.Write(row);
        }
    }

    private static string Frames(int count) => count == 1 ? "1 frame" : Invariant($"{count} frames");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Pending(SourceItem Item, ulong FrameId, LoupeFailed? Failure, LoupeFrame? Frame, DoneInput? Done = null);
}
