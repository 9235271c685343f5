using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What a session was opened with: checked, with the server's defaults and limits in it. Immutable.</summary>
internal sealed record SessionOpening
{
    /// <summary>The client's name of the session; may be empty.</summary>
    public required string Name { get; init; }

    /// <summary>The client's program, as it says; may be empty.</summary>
    public required string Client { get; init; }

    /// <summary>Whose session it is: opaque, and the same for the same identity. Empty: of somebody unknown, as those of all others unknown.</summary>
    public string Owner { get; init; } = string.Empty;

    /// <summary>Where it was opened from; empty where there is none.</summary>
    public string Address { get; init; } = string.Empty;

    /// <summary>Of the owner.</summary>
    public OwnerQuota Quota { get; init; } = OwnerQuota.Unlimited;

    /// <summary>Of raw frames that have none of their own.</summary>
    public RawLayout? FrameFormat { get; init; }

    public required Delivery Delivery { get; init; }

    /// <summary>Whether frames can be left unread while their owner has no more: what carries them may have them whole before.</summary>
    public bool CanBeSlowed { get; init; } = true;

    /// <summary>Set with <see cref="Delivery.StalenessBudget"/> only.</summary>
    public TimeSpan? StalenessBudget { get; init; }

    /// <summary>What its frames may go without while some are lost.</summary>
    public Economies Economies { get; init; }

    /// <summary>Outcomes leave as they come.</summary>
    public required bool Unordered { get; init; }

    /// <summary>At the start of the session.</summary>
    public required AnalysisSettings Analysis { get; init; }

    /// <summary>Of the package that it is on; null: it has none of its own.</summary>
    public CalibratedThresholds? ModelThresholds { get; init; }

    /// <summary>Null: without adaptation.</summary>
    public AdaptationSettings? Adaptation { get; init; }

    /// <summary>Whether the session outlives its connection.</summary>
    public required bool Resumable { get; init; }

    /// <summary>Parts that were asked for and are not there.</summary>
    public required IReadOnlyList<MissingFeature> Missing { get; init; }
}

/// <summary>Which frames of a session are analysed when they come faster than that.</summary>
internal enum Delivery
{
    /// <summary>All; the client is slowed down.</summary>
    EveryFrame,

    /// <summary>The newest; a frame that waits is replaced by the next.</summary>
    Freshest,

    /// <summary>Those that are not older than a budget.</summary>
    StalenessBudget,
}

/// <summary>A part of the contract that was asked for and is not there.</summary>
/// <param name="Feature">Its name in the contract.</param>
/// <param name="Reason">For people; names the setting where there is one.</param>
internal sealed record MissingFeature(string Feature, string Reason);
