using Google.Protobuf;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>What a session asks for; what it was given is in <see cref="LoupeSession.Grant"/>. Immutable.</summary>
public sealed record LoupeSessionOptions
{
    /// <summary>
    /// The caller's own name of the session, for logs and lists; also sent as the header `loupe-session`, by which balancers
    /// send the sessions of one camera to the same server. At most 128 characters. Default: none.
    /// </summary>
    public string Name { get; init; } = "";

    /// <summary>Which of the server's models analyses the frames: a name from <see cref="GetServerInfoResponse.Models"/>. Default: the server's first.</summary>
    public string Model { get; init; } = "";

    /// <summary>Format of raw frames that do not say their own. Default: each says its own.</summary>
    public FrameFormat? FrameFormat { get; init; }

    /// <summary>Which frames are answered when they come too fast. Default: every one.</summary>
    public DeliveryPolicy? Delivery { get; init; }

    /// <summary>When and how masks are returned. Default: RLE when the verdict is not authentic.</summary>
    public MaskSettings? Mask { get; init; }

    /// <summary>Whether frames that are picture files are looked at in tiles, their pixels as they are. Default: they are not.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>The language, `en` or `zh`, of <see cref="FrameResult.Explanation"/>. Default: none, results have no sentences.</summary>
    public string Explain { get; init; } = "";

    /// <summary>
    /// Have the server sign a receipt for each result, <see cref="FrameResult.Receipt"/>, and for the session's end, <see cref="SessionSummary.Receipt"/>. Default false.
    /// </summary>
    public bool Receipts { get; init; }

    /// <summary>
    /// Judge frames over time too, <see cref="FrameResult.Temporal"/>, and say where the session is manipulated, <see cref="SessionSummary.Segments"/>. Default: not.
    /// </summary>
    public TemporalSettings? Temporal { get; init; }

    /// <summary>Where a score becomes a verdict. Default: the server's, 0.4 and 0.6 unless configured.</summary>
    public Thresholds? Thresholds { get; init; }

    /// <summary>Default: no adaptation.</summary>
    public AdaptationSettings? Adaptation { get; init; }

    /// <summary>A state from <see cref="LoupeSession.SnapshotAdaptationAsync"/>, of the same model. Default: base parameters.</summary>
    public ReadOnlyMemory<byte> AdaptationSnapshot { get; init; }

    /// <summary>
    /// When the connection breaks, the session goes on with another one where it was, if the server still has it: no frame is lost, none is answered
    /// twice. The client keeps a copy of each frame in flight for that, and the server keeps the session for
    /// <see cref="SessionGrant.ResumeWindow"/>. Default true; false: the session ends with its connection.
    /// </summary>
    public bool Reconnect { get; init; } = true;

    /// <summary>Ask for bit-for-bit repeatable results. Default false.</summary>
    public bool Deterministic { get; init; }

    /// <summary>
    /// What of its frames' work the session would rather go without than lose frames, while it loses some; each result says what was left out
    /// (<see cref="FrameResult.Economies"/>). Default: nothing, frames are lost at once.
    /// </summary>
    public IReadOnlyList<Economy> Economies { get; init; } = [];

    /// <summary>Outcomes come as they are ready. Default false: in the order in which frames were sent.</summary>
    public bool Unordered { get; init; }

    /// <summary>
    /// Frames sent whose outcomes were not yet taken from <see cref="LoupeSession.Results"/>; the server's credits may bound them further.
    /// 1 to 4,096. Default 64.
    /// </summary>
    public int MaxFramesInFlight { get; init; } = 64;

    internal OpenSession ToMessage(LoupeClientOptions client)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Name.Length, 128, nameof(Name));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxFramesInFlight, 1, nameof(MaxFramesInFlight));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxFramesInFlight, 4096, nameof(MaxFramesInFlight));
        return new OpenSession
        {
            SessionName = Name,
            FrameFormat = FrameFormat,
            Delivery = Delivery,
            Model = Model,
            Mask = Mask,
            Tiles = Tiles,
            Explain = Explain,
            Receipts = Receipts,
            Temporal = Temporal,
            Thresholds = Thresholds,
            Adaptation = Adaptation,
            AdaptationSnapshot = ByteString.CopyFrom(AdaptationSnapshot.Span),
            Resumable = Reconnect,
            Deterministic = Deterministic,
            Economies = { Economies },
            Unordered = Unordered,
            MaxResponseBytes = (uint)client.MaxResponseBytes,
            Client = client.ClientName,
        };
    }
}
