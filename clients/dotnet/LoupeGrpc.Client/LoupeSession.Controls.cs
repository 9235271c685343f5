using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <content>What changes a running session. Each control is answered in order with the frames around it.</content>
public sealed partial class LoupeSession
{
    /// <summary>New thresholds from the next frame on.</summary>
    /// <returns>The reply, with the thresholds in force.</returns>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SetThresholdsAsync(Thresholds thresholds, CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SetThresholds = thresholds }, cancellationToken);

    /// <summary>New mask settings from the next frame on.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SetMaskAsync(MaskSettings mask, CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SetMask = mask }, cancellationToken);

    /// <summary>Waits until every frame sent before it has its outcome.</summary>
    /// <exception cref="LoupeRequestException">The server did not carry it out; the session is as before.</exception>
    /// <exception cref="LoupeConnectionLostException">The session is over.</exception>
    /// <exception cref="InvalidOperationException"><see cref="CompleteAsync"/> was called.</exception>
    public Task<ControlReply> FlushAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { Flush = new Flush() }, cancellationToken);

    /// <summary>Starts adapting, or changes how, from the next frame on; parameters stay as they are.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SetAdaptationAsync(AdaptationSettings settings, CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SetAdaptation = new SetAdaptation { Settings = settings } }, cancellationToken);

    /// <summary>Stops adapting; the parameters stay.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> FreezeAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { FreezeAdaptation = new FreezeAdaptation() }, cancellationToken);

    /// <summary>Goes on adapting after a freeze.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> ResumeAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { ResumeAdaptation = new ResumeAdaptation() }, cancellationToken);

    /// <summary>Back to the base parameters, step 0.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> ResetAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { ResetAdaptation = new ResetAdaptation() }, cancellationToken);

    /// <summary>Back to the state after <paramref name="step"/> optimiser steps, or to the last snapshot when null.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> RollbackAdaptationAsync(ulong? step = null, CancellationToken cancellationToken = default) =>
        ControlAsync(
            new Control { RollbackAdaptation = step is { } value ? new() { Step = value } : new() { LastSnapshot = true } },
            cancellationToken);

    /// <summary>The state that the frames sent before leave.</summary>
    /// <returns>The reply, with the state as bytes for <see cref="LoupeSessionOptions.AdaptationSnapshot"/>.</returns>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SnapshotAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SnapshotAdaptation = new SnapshotAdaptation() }, cancellationToken);

    private async Task<ControlReply> ControlAsync(Control control, CancellationToken cancellationToken)
    {
        ThrowIfCompleting();
        Task<ControlReply> waiting;
        await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfCompleting();
            waiting = _controls.Enter(control);
            var message = new AnalyzeRequest { Control = control };
            _unanswered?.AddControl(control.ControlId, message);
            await _connection.WriteAsync(message).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }

        var reply = await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        return reply.Failed is { } failed
            ? throw new LoupeRequestException(RpcErrors.ToCode(failed.Code), failed.Message)
            : reply;
    }
}
