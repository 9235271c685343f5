using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// Single pictures of unary calls, which wait for the engine beside the frames of sessions: all pictures of one connection have together the share of one session.
/// There may be any number of callers, so those that wait are bounded, and more are refused. Thread-safe.
/// </summary>
internal sealed class PictureQueue(IFrameAnalyzer analyzer, FrameScheduler scheduler, MemoryLedger ledger, LoupeOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (FrameFlow Flow, int Users)> _flows = new(StringComparer.Ordinal);
    private int _inside;

    /// <summary>Waits for its turn, then analyses. Failures, cancellation among them, are values.</summary>
    /// <param name="connection">Names the caller's connection.</param>
    /// <param name="quota">Of the caller.</param>
    public async Task<FrameEnd> AnalyzeAsync(string connection, OwnerQuota quota, PictureRequest request, CancellationToken cancellationToken)
    {
        var receivedAt = time.GetTimestamp();
        var bytes = request.Input.Data.Length;
        if (quota.Pace?.TryTake(bytes) == false)
        {
            return new FrameEnd.Failed(ServerBusy.TooManyFrames.Failure);
        }

        using var room = (quota.Frames ?? ledger.Frames).TryTake(0, bytes);
        if (room is null)
        {
            return new FrameEnd.Failed(quota.LacksRoomFor(bytes) ? ServerBusy.NoQuotaLeft : ServerBusy.NoBytesLeft(options.Limits));
        }

        if (Enter(connection) is not { } flow)
        {
            return new FrameEnd.Failed(ServerBusy.TooManyPictures(options.Engine));
        }

        var span = FrameSpan.Begin(FrameSpan.CurrentCall, time);
        FrameEnd? end = null;
        try
        {
            using var lane = analyzer.OpenLane(pinned: false);
            var picture = new Picture(lane, request.Input, request.Settings.ToRequest(receivedAt, null, span), cancellationToken) { ReceivedAt = receivedAt, IsHeavy = request.Input.IsHeavy() };
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
                return end = outcome.Succeeded ? new FrameEnd.Analysed(outcome.Analysis, request.Settings.Thresholds) : new FrameEnd.Failed(outcome.Failure);
            }
        }
        finally
        {
            FrameTraces.End(span, end);
            Leave(connection);
        }
    }

    private FrameFlow? Enter(string connection)
    {
        lock (_lock)
        {
            if (_inside >= options.Engine.MaxFramesWaiting + options.Engine.MaxFramesInPipeline)
            {
                return null;
            }

            _inside++;
            var (flow, users) = _flows.GetValueOrDefault(connection);
            flow ??= new FrameFlow(new FlowPolicy(false, null), () => int.MaxValue);
            _flows[connection] = (flow, users + 1);
            return flow;
        }
    }

    private void Leave(string connection)
    {
        lock (_lock)
        {
            _inside--;
            var (flow, users) = _flows[connection];
            if (users == 1)
            {
                _flows.Remove(connection);
            }
            else
            {
                _flows[connection] = (flow, users - 1);
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
internal sealed record PictureRequest(FrameInput Input, AnalysisSettings Settings);
