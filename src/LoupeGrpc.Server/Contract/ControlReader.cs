using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>Controls of the contract as commands to a session.</summary>
internal static class ControlReader
{
    /// <summary>What a control gets that comes before its session: a bad control ends no call.</summary>
    public static AnalyzeResponse TooEarly(Control control) => new()
    {
        ControlReply = new ControlReply
        {
            ControlId = control.ControlId,
            Failed = new FrameFailure(FailureKind.Invalid, "there is no session yet: the first message must be open").ToFailed(),
        },
    };

    /// <param name="defaults">Thresholds of a session that gives none.</param>
    public static SessionCommand Read(Control control, VerdictThresholds defaults)
    {
        var id = control.ControlId;
        string? error;
        switch (control.ActionCase)
        {
            case Control.ActionOneofCase.SetThresholds:
                return AnalysisSettingsReader.Read(control.SetThresholds, defaults, out error) is { } thresholds
                    ? new SessionCommand.SetThresholds(id, thresholds)
                    : Reject(error!);
            case Control.ActionOneofCase.SetMask:
                return AnalysisSettingsReader.Read(control.SetMask, out error) is { } mask ? new SessionCommand.SetMask(id, mask) : Reject(error!);
            case Control.ActionOneofCase.Flush:
                return new SessionCommand.Flush(id);
            case Control.ActionOneofCase.SetAdaptation:
                return ReadAdaptation(control.SetAdaptation);
            case Control.ActionOneofCase.FreezeAdaptation:
                return new SessionCommand.Freeze(id);
            case Control.ActionOneofCase.ResumeAdaptation:
                return new SessionCommand.Resume(id);
            case Control.ActionOneofCase.ResetAdaptation:
                return new SessionCommand.Reset(id);
            case Control.ActionOneofCase.SnapshotAdaptation:
                return new SessionCommand.Snapshot(id);
            case Control.ActionOneofCase.RollbackAdaptation:
                return ReadRollback(control.RollbackAdaptation);
            default:
                return Reject("the control holds no action, or one this server does not know");
        }

        SessionCommand Reject(string reason) => new SessionCommand.Rejected(id, new FrameFailure(FailureKind.Invalid, reason));

        SessionCommand ReadAdaptation(SetAdaptation set) =>
            set.Settings?.Enabled != true
                ? Reject("set_adaptation needs enabled: freeze_adaptation stops adapting, reset_adaptation goes back to the model's own parameters")
                : set.Settings.ToSettings(out error) is { } settings ? new SessionCommand.SetAdaptation(id, settings) : Reject(error!);

        SessionCommand ReadRollback(RollbackAdaptation rollback) => rollback.TargetCase switch
        {
            RollbackAdaptation.TargetOneofCase.Step => new SessionCommand.RollBack(id, (long)Math.Min(rollback.Step, long.MaxValue)),
            RollbackAdaptation.TargetOneofCase.LastSnapshot when rollback.LastSnapshot => new SessionCommand.RollBack(id, null),
            _ => Reject("rollback_adaptation needs a step, or last_snapshot set to true"),
        };
    }
}
