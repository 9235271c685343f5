using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>Takes the frames of a session in: numbered, their bytes counted, on their way to their outcome. Used by the session's reader only.</summary>
/// <param name="giveUp">Frames that wait for room for their bytes are dropped.</param>
internal sealed class FrameIntake(
    SessionServices services, SessionRequest request, OutcomeSequencer sequencer, FrameDispatcher dispatcher, CancellationToken giveUp) : IDisposable
{
    private readonly ByteBudget _sessionBytes = new(services.Options.Limits.MaxSessionBytes);

    /// <summary>Waits for room for the frame's bytes, where each frame is answered.</summary>
    /// <param name="settings">Of this frame.</param>
    /// <param name="receivedAt">Timestamp.</param>
    public async ValueTask TakeAsync(Frame message, AnalysisSettings settings, long receivedAt)
    {
        var read = FrameReader.Read(message, request.FrameFormat);
        var frame = new SessionFrame
        {
            FrameId = message.FrameId,
            CaptureTime = message.CaptureTime,
            ReceivedAt = receivedAt,
            Deadline = read.Deadline,
            Settings = settings,
            Input = read.Input,
        };
        if (!sequencer.Add(frame))
        {
            dispatcher.Drop(frame, DropReason.SessionEnded);
        }
        else if (read.Failure is not null)
        {
            dispatcher.Fail(frame, read.Failure);
        }
        else if (request.Delivery == DeliveryMode.Freshest)
        {
            TakeFreshest(frame);
        }
        else
        {
            await TakeEveryAsync(frame).ConfigureAwait(false);
        }
    }

    public void Dispose() => _sessionBytes.Dispose();

    private async ValueTask TakeEveryAsync(SessionFrame frame)
    {
        try
        {
            var bytes = frame.Input.Data.Length;
            var session = await _sessionBytes.AcquireAsync(bytes, giveUp).ConfigureAwait(false);
            frame.Charge(session, null);
            frame.Charge(session, await services.Bytes.Budget.AcquireAsync(bytes, giveUp).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            dispatcher.Drop(frame, DropReason.SessionEnded);
            return;
        }

        dispatcher.Accept(frame);
    }

    /// <summary>Never waits. Two frames at most hold bytes, so the session's own budget is not asked.</summary>
    private void TakeFreshest(SessionFrame frame)
    {
        if (services.Bytes.Budget.TryAcquire(frame.Input.Data.Length) is { } bytes)
        {
            frame.Charge(null, bytes);
            dispatcher.Accept(frame);
        }
        else
        {
            dispatcher.Fail(frame, ServerBusy.NoBytesLeft(services.Options.Limits));
        }
    }
}
