using System.Text.Json.Serialization;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.Server.Sessions.Receipts;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What is wanted of frames: the part of a session that may change between two of them. Immutable.</summary>
internal sealed record AnalysisSettings
{
    /// <summary>What stock clients accept.</summary>
    public const int DefaultResponseBytes = 4 << 20;

    /// <summary>Bytes of a response that are neither its mask nor its snapshot: regions, notes, numbers, sentences, what the file says of itself.</summary>
    private const int ResponseReserve = 24 << 10;

    public required VerdictThresholds Thresholds { get; init; }

    public MaskRequest Mask { get; init; } = new(MaskPolicy.WhenSuspected, MaskEncoding.Rle, 0);

    /// <summary>Whether frames are looked at in tiles.</summary>
    public TileRequest Tiles { get; init; } = TileRequest.None;

    /// <summary>Language in which results are explained; null: they are not.</summary>
    public ExplanationLanguage? Explain { get; init; }

    /// <summary>Whether results come with a receipt.</summary>
    public bool Receipts { get; init; }

    /// <summary>How frames are judged over time; null: they are not.</summary>
    public TemporalSettings? Temporal { get; init; }

    /// <summary>Whether the decoded picture comes with a result, for whoever shows it. Not of sessions: the contract has no place for it.</summary>
    [JsonIgnore]
    public bool Picture { get; init; }

    /// <summary>Largest response in bytes.</summary>
    public required int MaxResponseBytes { get; init; }

    public bool Deterministic { get; init; }

    /// <summary>Bytes of a snapshot that a response has room for.</summary>
    public int MaxSnapshotBytes => MaxResponseBytes - ResponseReserve;

    /// <param name="receivedAt">Timestamp of the frame's receipt.</param>
    /// <param name="maxAge">Age from which it is of no use; null: never.</param>
    /// <param name="span">Its trace; null: it has none.</param>
    /// <param name="adaptation">The state it is answered with; null: the model's own parameters.</param>
    /// <param name="tileWindow">What its session has seen of its tiles; null: it is looked at by itself.</param>
    public AnalysisRequest ToRequest(long receivedAt, TimeSpan? maxAge, FrameSpan? span, AdaptationSession? adaptation = null, bool urgent = false, Economies economies = Economies.None, TileWindow? tileWindow = null) => new()
    {
        Economies = economies,
        Span = span,
        IsUrgent = urgent,
        Thresholds = Thresholds,
        MaskPolicy = Mask.Policy,
        MaskEncoding = Mask.Encoding,
        SoftMask = Mask.Soft,
        MaxMaskBytes = MaxMaskBytes(adaptation is not null),
        Tiles = Tiles,
        TileWindow = tileWindow,
        Evidence = Explain is not null,
        Digests = Receipts,
        Picture = Picture,
        ColorLayout = Temporal is { CutChange: < 1 } || tileWindow is not null,
        Deterministic = Deterministic,
        Adaptation = adaptation,
        ReceivedAt = receivedAt,
        MaxAge = maxAge,
    };

    /// <summary>Bytes of an encoded mask that may be returned.</summary>
    /// <param name="adapts">Whether the session does: it may return a base mask too.</param>
    public int MaxMaskBytes(bool adapts)
    {
        var room = (MaxResponseBytes - ResponseReserve - (Receipts ? ResultReceipt.MostBytes : 0)) / (adapts ? 2 : 1);
        return Mask.MaxBytes == 0 ? room : (int)Math.Min(Mask.MaxBytes, (uint)room);
    }
}

/// <summary>Which masks a client wants.</summary>
/// <param name="MaxBytes">As asked for; 0: what fits the response.</param>
internal sealed record MaskRequest(MaskPolicy Policy, MaskEncoding Encoding, uint MaxBytes)
{
    /// <summary>The soft map beside it. Not of sessions that are kept: the contract has no place for it.</summary>
    [JsonIgnore]
    public bool Soft { get; init; }
}
