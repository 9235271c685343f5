using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>What may change while a session runs, and the controls that change it. Used by the session's reader only.</summary>
internal sealed class SessionControls : IDisposable
{
    private readonly OutcomeSequencer _sequencer;
    private readonly VerdictThresholds _defaultThresholds;
    private readonly SessionAdaptation _adaptation;

    public SessionControls(SessionServices services, OutcomeSequencer sequencer, SessionRequest request)
    {
        _sequencer = sequencer;
        _defaultThresholds = services.Options.Thresholds;
        _adaptation = new SessionAdaptation(services.Analyzer, services.AdaptationBudget);
        Unavailable = [.. request.Unavailable, .. _adaptation.Open(request.Adaptation, request.AdaptationSnapshot)];
        Settings = request.Analysis with { Adaptation = _adaptation.Session };
    }

    /// <summary>Of the next frame.</summary>
    public AnalysisSettings Settings { get; private set; }

    /// <summary>Parts that were asked for at the opening and are not there.</summary>
    public IReadOnlyList<Unavailable> Unavailable { get; }

    /// <summary>Null where the session does not adapt. Ask for it while no frame of the session is inside the engine.</summary>
    public AdaptationState? Adaptation => _adaptation.State;

    /// <summary>Carries a control out, or says why not and changes nothing.</summary>
    public async ValueTask<ControlReply> ObeyAsync(Control control)
    {
        var adapts = control.ActionCase is not (
            Control.ActionOneofCase.SetThresholds or Control.ActionOneofCase.SetMask or Control.ActionOneofCase.Flush or Control.ActionOneofCase.None);
        if (adapts || _adaptation.Session is not null)
        {
            // The frames before it change the state that it is about, or that its reply tells.
            await _sequencer.WhenDecided().ConfigureAwait(false);
        }

        var reply = new ControlReply { ControlId = control.ControlId };
        string? mistake = null;
        switch (control.ActionCase)
        {
            case Control.ActionOneofCase.SetThresholds:
                Settings = Settings.With(control.SetThresholds, _defaultThresholds, out mistake) ?? Settings;
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
                reply.Failed = _adaptation.Obey(control, reply)?.ToFailed();
                Settings = Settings with { Adaptation = _adaptation.Session };
                break;
        }

        if (mistake is not null)
        {
            reply.Failed = new FrameFailure(FailureKind.Invalid, mistake).ToFailed();
        }

        reply.Thresholds = Settings.ToThresholds();
        reply.Adaptation = _adaptation.State;
        return reply;
    }

    public void Dispose() => _adaptation.Dispose();
}
