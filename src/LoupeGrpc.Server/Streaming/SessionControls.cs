using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>What may change while a session runs, and the controls that change it. Used by the session's reader only.</summary>
internal sealed class SessionControls(
    OutcomeSequencer sequencer, SessionAdaptation adaptation, AnalysisSettings opened, VerdictThresholds defaultThresholds)
{
    /// <summary>Of the next frame.</summary>
    public AnalysisSettings Settings { get; private set; } = opened;

    /// <summary>Controls taken in so far.</summary>
    public ulong Received { get; private set; }

    /// <summary>Carries a control out, or says why not and changes nothing. Its reply takes its turn.</summary>
    public async ValueTask ObeyAsync(Control control)
    {
        Received++;
        var adapts = control.ActionCase is not (
            Control.ActionOneofCase.SetThresholds or Control.ActionOneofCase.SetMask or Control.ActionOneofCase.Flush or Control.ActionOneofCase.None);
        if (adapts || adaptation.IsOn)
        {
            // The frames before it change the state that it is about, or that its reply tells.
            await sequencer.WhenDecided().ConfigureAwait(false);
        }

        adaptation.Enter();
        var reply = Obey(control);
        var eviction = adaptation.Leave();
        reply.Thresholds = Settings.ToThresholds();
        sequencer.Add(reply);
        if (eviction is not null)
        {
            sequencer.Tell(eviction);
        }
    }

    private ControlReply Obey(Control control)
    {
        var reply = new ControlReply { ControlId = control.ControlId };
        string? mistake = null;
        switch (control.ActionCase)
        {
            case Control.ActionOneofCase.SetThresholds:
                Settings = Settings.With(control.SetThresholds, defaultThresholds, out mistake) ?? Settings;
                break;
            case Control.ActionOneofCase.SetMask:
                Settings = Settings.With(control.SetMask, out mistake) ?? Settings;
                break;
            case Control.ActionOneofCase.Flush:
                // Its reply waits for the outcomes before it, as every reply does.
                break;
            case Control.ActionOneofCase.None:
                mistake = "the control holds no action, or one this server does not know";
                break;
            default:
                reply.Failed = adaptation.Obey(control, reply)?.ToFailed();
                break;
        }

        if (mistake is not null)
        {
            reply.Failed = new FrameFailure(FailureKind.Invalid, mistake).ToFailed();
        }

        reply.Adaptation = adaptation.Describe();
        return reply;
    }
}
