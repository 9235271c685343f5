using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions.Adaptation;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What may change while a session runs, and the commands that change it. Used by the session's reader only.</summary>
/// <param name="turns">Among all sessions.</param>
/// <param name="received">Commands taken in before, by another server.</param>
internal sealed class SessionControls(
    OutcomeSequencer sequencer, SessionAdaptation adaptation, StateTurns turns, AnalysisSettings opened, ulong received)
{
    /// <summary>Of the next frame.</summary>
    public AnalysisSettings Settings { get; private set; } = opened;

    /// <summary>Commands taken in so far.</summary>
    public ulong Received { get; private set; } = received;

    /// <summary>Carries a command out, or says why not and changes nothing. Its answer takes its turn.</summary>
    public async ValueTask ApplyAsync(SessionCommand command)
    {
        Received++;
        if (command.ConcernsAdaptation || adaptation.IsOn)
        {
            // The frames before it change the state that it is about, or that its answer tells.
            await sequencer.WhenDecided().ConfigureAwait(false);
            if (sequencer.HasLeft)
            {
                // The next server carries it out, behind the frames before it: its answer does not leave here.
                command = new SessionCommand.Rejected(command.ControlId, ServerBusy.Stopping.Failure);
            }

            using var turn = await turns.EnterAsync().ConfigureAwait(false);
            Answer(command);
        }
        else
        {
            Answer(command);
        }
    }

    private void Answer(SessionCommand command)
    {
        adaptation.Enter();
        var (failure, snapshot) = Apply(command);
        var report = adaptation.Describe();
        // Whoever looks at the session sees neither without the other.
        sequencer.Add(new CommandAnswer(command.ControlId, failure, report, Settings.Thresholds, snapshot), Settings);
        var eviction = adaptation.Leave();
        if (eviction is not null)
        {
            sequencer.Notify(eviction);
        }
    }

    private (FrameFailure? Failure, ReadOnlyMemory<byte> Snapshot) Apply(SessionCommand command)
    {
        switch (command)
        {
            case SessionCommand.SetThresholds set:
                Settings = Settings with { Thresholds = set.Thresholds };
                return default;
            case SessionCommand.SetMask set:
                Settings = Settings with { Mask = set.Mask };
                return default;
            case SessionCommand.Flush:
                return default;
            case SessionCommand.SetAdaptation when Settings.Tiles.Policy == TilePolicy.Native:
                return (new FrameFailure(FailureKind.Invalid, TileRequests.NotWhileAdapting), default);
            case SessionCommand.SetAdaptation when Settings.Tiles.PerFrame > 0:
                return (new FrameFailure(FailureKind.Invalid, TileRequests.RotatingNotWhileAdapting), default);
            case SessionCommand.Rejected rejected:
                return (rejected.Failure, default);
            default:
                var failure = adaptation.Apply(command, Settings.MaxSnapshotBytes, out var snapshot);
                return (failure, snapshot);
        }
    }
}
