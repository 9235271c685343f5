using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>A session up to its first frame without an outcome: what another server needs to go on from there, as if it had been its own. Immutable.</summary>
internal sealed record SessionRecord
{
    public required SessionFacts Facts { get; init; }

    /// <summary>Empty: the session does not adapt.</summary>
    public ReadOnlyMemory<byte> Adaptation { get; init; }

    /// <summary>Those that may have to be written, or written again. The first of them has the number <see cref="SessionFacts.FirstResponse"/>.</summary>
    public IReadOnlyList<EncodedResponse> Responses { get; init; } = [];
}

/// <summary>The part of a record that is made of names and numbers.</summary>
internal sealed record SessionFacts
{
    /// <summary>The server's name of the session.</summary>
    public required string Id { get; init; }

    /// <summary>Of the token that resumes it.</summary>
    public required string TokenDigest { get; init; }

    public required string Owner { get; init; }

    /// <summary>Hash of the model package.</summary>
    public required string Model { get; init; }

    public required string Name { get; init; }

    public required string Client { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }

    public required RawLayout? FrameFormat { get; init; }

    public required Delivery Delivery { get; init; }

    public required TimeSpan? StalenessBudget { get; init; }

    public required Economies Economies { get; init; }

    public required bool Unordered { get; init; }

    /// <summary>Of the next frame.</summary>
    public required AnalysisSettings Settings { get; init; }

    /// <summary>Null: it does not adapt.</summary>
    public required AdaptationSettings? Adaptation { get; init; }

    /// <summary>Frames with an outcome: the number of the next.</summary>
    public required ulong Frames { get; init; }

    /// <summary>Commands with an answer.</summary>
    public required ulong Commands { get; init; }

    /// <summary>How many responses went before the first that is kept.</summary>
    public required ulong FirstResponse { get; init; }

    public required ulong FrameBytes { get; init; }

    public required TimeSpan Duration { get; init; }

    public required TallyCounts Tally { get; init; }

    /// <summary>Where its next receipt goes; null: it has none.</summary>
    public ReceiptPlace? Receipts { get; init; }

    /// <summary>What its next frame is judged with over time; null: it is not.</summary>
    public TemporalState? Temporal { get; init; }

    /// <summary>Of a session that can be resumed, as far as it has answered.</summary>
    public static SessionFacts Of(AnalyzeSession session, SessionProgress progress) => new()
    {
        Id = session.Id,
        TokenDigest = session.Token!.Digest,
        Owner = session.Opening.Owner,
        Model = session.Work.Model.Hash,
        Name = session.Name,
        Client = session.Client,
        OpenedAt = session.OpenedAt,
        FrameFormat = session.Opening.FrameFormat,
        Delivery = session.Opening.Delivery,
        StalenessBudget = session.Opening.StalenessBudget,
        Economies = session.Opening.Economies,
        Unordered = session.Opening.Unordered,
        Settings = progress.Settings,
        Adaptation = null,
        Frames = progress.Frames,
        Commands = progress.Commands,
        FirstResponse = progress.FirstResponse,
        FrameBytes = progress.FrameBytes,
        Duration = session.Work.Duration,
        Tally = progress.Tally,
        Receipts = progress.Receipts,
        Temporal = progress.Temporal,
    };
}

/// <summary>What <see cref="SessionTally"/> has counted.</summary>
internal sealed record TallyCounts(
    IReadOnlyDictionary<DropCause, ulong> DropCauses,
    IReadOnlyDictionary<FailureKind, ulong> Failures,
    IReadOnlyDictionary<Verdict, ulong> Verdicts,
    ulong Expired,
    IReadOnlyList<ManipulatedSegment> Timeline,
    bool InSegment,
    bool Truncated);
