using System.Text.Json.Serialization;

namespace LoupeGrpc.Receipts;

/// <summary>
/// What a receipt says, as an in-toto Statement v1 (https://in-toto.io/Statement/v1): its subject is the picture, by the SHA-256 of the bytes received; of a session's
/// end, the receipt before it. All digests are lower-case hexadecimal SHA-256. Members that are not known are passed over, as in-toto asks.
/// </summary>
internal sealed record ReceiptStatement
{
    public const string StatementType = "https://in-toto.io/Statement/v1";

    /// <summary>Of a result.</summary>
    public const string ResultType = "urn:loupe-grpc:receipt:result:v1";

    /// <summary>Of the end of a session: no receipt follows in its chain.</summary>
    public const string EndType = "urn:loupe-grpc:receipt:session-end:v1";

    [JsonPropertyName("_type")]
    public string Type { get; init; } = StatementType;

    public required IReadOnlyList<ReceiptSubject> Subject { get; init; }

    public required string PredicateType { get; init; }

    public required ReceiptPredicate Predicate { get; init; }
}

/// <param name="Name">For people.</param>
internal sealed record ReceiptSubject(string Name, ReceiptDigest Digest);

internal sealed record ReceiptDigest(string Sha256);

internal sealed record ReceiptPredicate
{
    public required ReceiptLink Chain { get; init; }

    /// <summary>Null: a single picture, of no session.</summary>
    public ReceiptSession? Session { get; init; }

    /// <summary>When it was signed, by the server's clock, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Name and version.</summary>
    public required string Server { get; init; }

    /// <summary>Null at the end of a session, as the rest.</summary>
    public ReceiptPicture? Picture { get; init; }

    public ReceiptModel? Model { get; init; }

    public ReceiptExecution? Execution { get; init; }

    public ReceiptSettings? Settings { get; init; }

    /// <summary>The state that the frame was answered with; null where the session does not adapt.</summary>
    public ReceiptAdaptation? Adaptation { get; init; }

    public ReceiptResult? Result { get; init; }

    /// <summary>Null but at the end of a session.</summary>
    public ReceiptEnd? End { get; init; }
}

/// <summary>A receipt's place in its chain.</summary>
/// <param name="Id">Of the chain, 32 hexadecimal digits, random.</param>
/// <param name="Index">From 0.</param>
/// <param name="Previous">Digest of the statement before it, as signed; null for the first.</param>
/// <param name="Follows">Set in the first of a chain that goes on with a session whose chain broke: its server was lost, and what it signed last is not known.</param>
internal sealed record ReceiptLink(string Id, ulong Index, string? Previous = null, ReceiptPlace? Follows = null);

/// <summary>The last receipt that a lost server is known to have signed.</summary>
/// <param name="Previous">Digest of its statement; null: none.</param>
internal sealed record ReceiptPlace(string Id, ulong Next, string? Previous = null);

/// <param name="Id">The server's name of the session.</param>
/// <param name="Name">The client's; empty where it gave none.</param>
/// <param name="Sequence">The server's number of the frame; at the end of a session the number of frames.</param>
/// <param name="FrameId">The client's number of the frame; 0 at the end of a session.</param>
internal sealed record ReceiptSession(string Id, string Name, ulong Sequence, ulong FrameId);

/// <param name="Format">The kind of file, as <c>JPEG</c>, or of pixels, as <c>raw NV12</c>.</param>
/// <param name="Orientation">EXIF's, 1 to 8. Nothing here is turned by it.</param>
/// <param name="Decoder">What decoded it, with its version; null for raw pixels.</param>
/// <param name="PixelsSha256">Of the decoded picture as [height, width, 3] bytes in blue, green, red, as stored; null for raw pixels, whose bytes are the subject.</param>
internal sealed record ReceiptPicture(string Format, int Width, int Height, int Orientation, string? Decoder = null, string? PixelsSha256 = null);

/// <param name="Sha256">Of the package's <c>model.json</c>, which holds the digests of all its files.</param>
internal sealed record ReceiptModel(string Name, string Version, string Sha256, bool Demonstration);

/// <param name="Runtime">ONNX Runtime with its version.</param>
/// <param name="Deterministic">Run alone, in no batch.</param>
internal sealed record ReceiptExecution(string Provider, string Precision, string Device, string Runtime, bool Deterministic);

/// <param name="MaskPolicy">In the words of the contract, as <c>WHEN_SUSPECTED</c>.</param>
/// <param name="TilePolicy">As <c>OFF</c>.</param>
/// <param name="TileBudgetMs">0: none. With one, how many tiles were analysed depends on how fast the machine was.</param>
/// <param name="TilesPerFrame">Of a session of which each frame shows some tiles; null: each frame is looked at by itself.</param>
/// <param name="WindowFrames">With it; null: as many as show every tile once.</param>
internal sealed record ReceiptSettings(float Low, float High, string MaskPolicy, string TilePolicy, int MaxTiles, int TileBudgetMs, int? TilesPerFrame = null, int? WindowFrames = null);

/// <param name="Step">Optimiser steps since the package's parameters.</param>
/// <param name="Sha256">Of the adapted tensors.</param>
internal sealed record ReceiptAdaptation(long Step, string Sha256, bool Frozen, ReceiptLearning Settings);

/// <summary>How the session learns. Bounds that are null are none.</summary>
internal sealed record ReceiptLearning(double LearningRate, int StepsPerFrame, float MinConfidence, int EveryNth, int DualVerdictEveryNth, ReceiptGuard? Guard = null);

/// <param name="Action">As <c>ROLLBACK</c>.</param>
internal sealed record ReceiptGuard(string Action, int MaxSameLabel, int CompareEveryNth, float? MaxDrift = null, float? MaxDisagreement = null, float? MaxLossRatio = null);

/// <param name="Verdict">As <c>MANIPULATED</c>.</param>
/// <param name="Notes">Codes, as <c>DAMAGED</c>.</param>
/// <param name="Economies">Codes of what was left out under overload, as <c>NO_MASK</c>.</param>
/// <param name="Mask">Null where none was computed.</param>
/// <param name="Tiles">Null where the picture was looked at whole.</param>
internal sealed record ReceiptResult(
    float Score, string Verdict, IReadOnlyList<string> Notes, IReadOnlyList<string> Economies, ReceiptMask? Mask = null, ReceiptTiles? Tiles = null);

/// <param name="Sha256">Of the mask's COCO counts in ASCII, whatever encoding it was sent in, and also where it was too long to be sent.</param>
/// <param name="Area">Forged pixels.</param>
internal sealed record ReceiptMask(string Sha256, long Area);

/// <param name="Analysed">That the score is made of, of <paramref name="Of"/>.</param>
/// <param name="Window">Null: all are of this picture.</param>
internal sealed record ReceiptTiles(int Analysed, int Of, int Step, ReceiptTileWindow? Window = null);

/// <param name="Frames">Whose tiles count, this one among them.</param>
/// <param name="Fresh">Tiles of this frame.</param>
/// <param name="Masked">Tiles that the mask is made of.</param>
internal sealed record ReceiptTileWindow(int Frames, int Fresh, int Masked);

/// <param name="Results">Frames with a result, of all frames of the session.</param>
internal sealed record ReceiptEnd(ulong Frames, ulong Results);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    MaxDepth = 16)]
[JsonSerializable(typeof(ReceiptStatement))]
[JsonSerializable(typeof(ReceiptEnvelope))]
internal sealed partial class ReceiptJson : JsonSerializerContext;
