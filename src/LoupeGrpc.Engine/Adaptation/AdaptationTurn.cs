using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// One frame's hold on its session: what the session was when the frame's turn began, which is what the frame is answered with, and the only way for it to change
/// anything. Once it has ended it changes nothing, so that a run that was given up cannot, should it still come back. Thread-safe.
/// </summary>
internal sealed class AdaptationTurn(AdaptationSession session, RoomLease lease)
{
    private readonly Lock _lock = new();
    private bool _ended;

    /// <summary>In force for the whole frame.</summary>
    public AdaptationSettings Settings { get; } = session.Settings;

    /// <summary>The state that the frame is answered with.</summary>
    public AdaptationReport Report { get; } = session.Report();

    /// <summary>The adapted parameters. Change with each <see cref="Step"/>.</summary>
    public ReadOnlyMemory<float> Theta => session.State.Theta;

    /// <summary>Optimiser steps since the base parameters, with those of this frame.</summary>
    public long StepNumber => session.State.Step;

    /// <summary>Whether the frame, with this score, will adapt. Call once.</summary>
    public bool WantsStep(float score)
    {
        lock (_lock)
        {
            return !_ended && session.WantsStep(Settings, score);
        }
    }

    /// <summary>Whether the frame, which gets a mask, is also to get the base mask. Call once.</summary>
    public bool WantsDualVerdict()
    {
        lock (_lock)
        {
            return !_ended && session.WantsDualVerdict(Settings);
        }
    }

    /// <inheritdoc cref="AdaptationSession.Compare"/>
    public GuardEvent? Compare(float disagreement)
    {
        lock (_lock)
        {
            return _ended ? null : session.Compare(Settings, disagreement);
        }
    }

    /// <inheritdoc cref="AdaptationSession.Step"/>
    public GuardEvent? Step(float score, float loss, Span<float> gradient)
    {
        lock (_lock)
        {
            return _ended ? null : session.Step(Settings, score, loss, gradient);
        }
    }

    /// <inheritdoc cref="AdaptationSession.FailStep"/>
    public GuardEvent? FailStep()
    {
        lock (_lock)
        {
            return _ended ? null : session.FailStep();
        }
    }

    /// <summary>Lets the session's next frame in.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
        }

        lease.Dispose();
    }
}
