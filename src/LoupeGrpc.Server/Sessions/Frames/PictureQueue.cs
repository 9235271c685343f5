using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.Server.Sessions.Receipts;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>
/// Single pictures of unary calls, which wait for the engine beside the frames of sessions: all pictures of one connection have together the share of one session.
/// There may be any number of callers, so those that wait are bounded, and more are refused. Thread-safe.
/// </summary>
internal sealed class PictureQueue(ModelRepository models, FrameScheduler scheduler, MemoryLedger ledger, ReceiptWriter receipts, LoupeOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Connection, ModelLoad Load), (FrameFlow Flow, int Users)> _flows = [];
    private int _inside;

    /// <summary>Waits for its turn, then analyses. Failures, cancellation among them, are values.</summary>
    /// <param name="connection">Names the caller's connection.</param>
    /// <param name="quota">Of the caller.</param>
    public async Task<PictureAnswer> AnalyzeAsync(string connection, OwnerQuota quota, PictureRequest request, CancellationToken cancellationToken)
    {
        using var lease = models.TryTake(request.Model, pinned: false);
        return lease is null
            ? new PictureAnswer(new FrameEnd.Failed(new FrameFailure(FailureKind.Invalid, models.Unknown(request.Model))), null)
            : new PictureAnswer(await AnalyzeAsync(connection, lease, quota, request, cancellationToken).ConfigureAwait(false), lease.Model);
    }

    private async Task<FrameEnd> AnalyzeAsync(string connection, ModelLease lease, OwnerQuota quota, PictureRequest request, CancellationToken cancellationToken)
    {
        var receivedAt = time.GetTimestamp();
        var bytes = request.Input.Data.Length;
        if (quota.Pace?.TryTake(bytes) == false)
        {
            return new FrameEnd.Failed(ServerBusy.TooManyFrames.Failure);
        }

        using var room = request.HasRoom ? null : (quota.Frames ?? ledger.Frames).TryTake(0, bytes);
        if (room is null && !request.HasRoom)
        {
            return new FrameEnd.Failed(quota.LacksRoomFor(bytes) ? ServerBusy.NoQuotaLeft : ServerBusy.NoBytesLeft(options.Limits));
        }

        if (Enter(connection, lease.Load) is not { } flow)
        {
            return new FrameEnd.Failed(ServerBusy.TooManyPictures(options.Engine));
        }

        var span = FrameSpan.Begin(FrameSpan.CurrentCall, time);
        FrameEnd? end = null;
        try
        {
            var picture = new Picture(lease.Lane, request.Input, request.Settings.ToRequest(receivedAt, null, span), cancellationToken) { ReceivedAt = receivedAt, IsHeavy = request.Input.IsHeavy() };
            scheduler.Enqueue(flow, picture);
            await using (cancellationToken.UnsafeRegister(
                static state =>
                {
                    var (scheduler, flow, picture) = ((FrameScheduler, FrameFlow, Picture))state!;
                    if (scheduler.TryTakeOut(flow, picture))
                    {
                        picture.Refuse(FrameRefusal.Abandoned);
                    }
                },
                (scheduler, flow, picture)).ConfigureAwait(false))
            {
                var outcome = await picture.Outcome.ConfigureAwait(false);
                return end = outcome.Succeeded ? receipts.Sign(new FrameEnd.Analysed(outcome.Analysis, request.Settings), lease.Model) : new FrameEnd.Failed(outcome.Failure);
            }
        }
        finally
        {
            FrameTraces.End(span, end);
            Leave(connection, lease.Load);
        }
    }

    private FrameFlow? Enter(string connection, ModelLoad load)
    {
        lock (_lock)
        {
            if (_inside >= options.Engine.MaxFramesWaiting + options.Engine.MaxFramesInPipeline)
            {
                return null;
            }

            _inside++;
            var (flow, users) = _flows.GetValueOrDefault((connection, load));
            flow ??= new FrameFlow(load, new FlowPolicy(false, null), () => int.MaxValue);
            _flows[(connection, load)] = (flow, users + 1);
            return flow;
        }
    }

    private void Leave(string connection, ModelLoad load)
    {
        lock (_lock)
        {
            _inside--;
            var (flow, users) = _flows[(connection, load)];
            if (users == 1)
            {
                _flows.Remove((connection, load));
            }
            else
            {
                _flows[(connection, load)] = (flow, users - 1);
            }
        }
    }

    private sealed class Picture(IAnalysisLane lane, FrameInput input, AnalysisRequest request, CancellationToken cancellationToken) : QueuedFrame
    {
        private readonly TaskCompletionSource<AnalysisOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<AnalysisOutcome> Outcome => _outcome.Task;

        public override async Task AnalyzeAsync()
        {
            try
            {
                var outcome = await lane.AnalyzeAsync(input, request, cancellationToken).ConfigureAwait(false);
                EngineTime = outcome.Succeeded ? outcome.Analysis.Timings.Computing.TotalSeconds : null;
                _outcome.SetResult(outcome);
            }
#pragma warning disable CA1031 // Its caller gets it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _outcome.SetException(exception);
            }
        }

        public override void Refuse(FrameRefusal reason) =>
            _outcome.TrySetResult(new FrameFailure(FailureKind.Canceled, "the caller gave the picture up"));
    }
}

/// <summary>A single picture and what is wanted of it.</summary>
/// <param name="Model">Name of the one that is to analyse it; empty: the default.</param>
internal sealed record PictureRequest(FrameInput Input, AnalysisSettings Settings, string Model)
{
    /// <summary>Its bytes are charged to the frames already, together with what its caller needs beside them.</summary>
    public bool HasRoom { get; init; }

    /// <summary>Its bytes are not needed any more: after its answer.</summary>
    public void ReleaseBytes() => PictureBytes.Release(Input.Data);
}

/// <summary>What became of a picture.</summary>
/// <param name="Model">That it was given to; null: there is none of that name.</param>
internal sealed record PictureAnswer(FrameEnd End, ModelDescription? Model);
