using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;
using EngineSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Streaming;

/// <summary>
/// The adaptation of one session: off until it is asked for, and within the server's budget. Controls must come when no frame of the session is
/// in the engine.
/// </summary>
internal sealed class SessionAdaptation(IFrameAnalyzer analyzer, AdaptationBudget budget) : IDisposable
{
    private long _taken;

    /// <summary>Null while the session does not adapt.</summary>
    public AdaptationSession? Session { get; private set; }

    /// <summary>Null while the session does not adapt.</summary>
    public AdaptationState? State => Session?.Report().ToMessage();

    /// <summary>Begins as the session was opened.</summary>
    /// <param name="settings">Null: without adaptation.</param>
    /// <param name="snapshot">Empty: from the model's own parameters.</param>
    /// <returns>What of it the session does not have, and why.</returns>
    public IEnumerable<Unavailable> Open(EngineSettings? settings, ByteString snapshot)
    {
        var problem = settings is null ? null : Enable(settings);
        if (problem is not null)
        {
            yield return new Unavailable { Feature = "adaptation", Reason = problem.Message };
        }

        if (snapshot.IsEmpty)
        {
            yield break;
        }

        if (Session is null)
        {
            yield return new Unavailable { Feature = "adaptation_snapshot", Reason = "the session does not adapt" };
        }
        else if (!Session.TryRestore(snapshot.Span, out var mistake))
        {
            yield return new Unavailable { Feature = "adaptation_snapshot", Reason = mistake };
        }
    }

    /// <summary>Carries a control out, or says why not and leaves everything as it was.</summary>
    /// <param name="reply">Gets the snapshot that was asked for.</param>
    public FrameFailure? Obey(Control control, ControlReply reply)
    {
        if (control.ActionCase == Control.ActionOneofCase.SetAdaptation)
        {
            return Configure(control.SetAdaptation.Settings ?? new V1.AdaptationSettings());
        }

        if (Session is null)
        {
            return Invalid("the session does not adapt: open it with adaptation.enabled, or send set_adaptation");
        }

        string? problem = null;
        switch (control.ActionCase)
        {
            case Control.ActionOneofCase.FreezeAdaptation:
                Session.Freeze();
                break;
            case Control.ActionOneofCase.ResumeAdaptation:
                Session.Resume();
                break;
            case Control.ActionOneofCase.ResetAdaptation:
                Session.Reset();
                break;
            case Control.ActionOneofCase.SnapshotAdaptation:
                reply.Snapshot = UnsafeByteOperations.UnsafeWrap(Session.Snapshot());
                break;
            default:
                RollBack(control.RollbackAdaptation, out problem);
                break;
        }

        return problem is null ? null : Invalid(problem);
    }

    public void Dispose()
    {
        budget.Return(_taken);
        _taken = 0;
    }

    private FrameFailure? Configure(V1.AdaptationSettings message)
    {
        if (!message.Enabled)
        {
            return Invalid("set_adaptation needs enabled: freeze_adaptation stops adapting, reset_adaptation goes back to the model's own parameters");
        }

        var settings = message.ToSettings(out var mistake);
        if (settings is null)
        {
            return Invalid(mistake!);
        }

        if (Session is null)
        {
            return Enable(settings);
        }

        return Session.TryConfigure(settings, out mistake) ? null : Invalid(mistake);
    }

    private FrameFailure? Enable(EngineSettings settings)
    {
        var session = analyzer.CreateAdaptation(settings);
        if (!budget.TryTake(session.MaxSizeInBytes))
        {
            return new FrameFailure(
                FailureKind.Overloaded,
                $"no room for another adaptation state: {budget.Used} of {budget.Limit} bytes are taken and one takes {session.MaxSizeInBytes}: Loupe:Adaptation:MaxStateBytes");
        }

        _taken = session.MaxSizeInBytes;
        Session = session;
        return null;
    }

    private void RollBack(RollbackAdaptation rollback, out string? problem)
    {
        switch (rollback.TargetCase)
        {
            case RollbackAdaptation.TargetOneofCase.Step:
                _ = Session!.TryRollBack((long)Math.Min(rollback.Step, long.MaxValue), out problem);
                break;
            case RollbackAdaptation.TargetOneofCase.LastSnapshot when rollback.LastSnapshot:
                _ = Session!.TryRollBackToSnapshot(out problem);
                break;
            default:
                problem = "rollback_adaptation needs a step, or last_snapshot set to true";
                break;
        }
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
