using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.V1;
using MaskEncoding = LoupeGrpc.Engine.MaskEncoding;
using MaskPolicy = LoupeGrpc.Engine.MaskPolicy;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>What is wanted of frames: the part of a session that may change between two of them. Immutable.</summary>
internal sealed record AnalysisSettings
{
    /// <summary>What stock clients accept.</summary>
    public const int DefaultResponseBytes = 4 << 20;

    /// <summary>Bytes of a response that are not its mask: regions, notes, numbers.</summary>
    private const int ResponseReserve = 16 << 10;

    public required VerdictThresholds Thresholds { get; init; }

    public MaskPolicy MaskPolicy { get; init; } = MaskPolicy.WhenSuspected;

    public MaskEncoding MaskEncoding { get; init; } = MaskEncoding.Rle;

    /// <summary>As asked for, bytes. 0: what fits the response.</summary>
    public uint RequestedMaskBytes { get; init; }

    /// <summary>Largest response in bytes.</summary>
    public required int MaxResponseBytes { get; init; }

    public bool Deterministic { get; init; }

    /// <summary>The same with other thresholds; null, and why, where they make no sense.</summary>
    /// <param name="thresholds">Null or both 0: <paramref name="defaults"/>.</param>
    public AnalysisSettings? With(Thresholds? thresholds, VerdictThresholds defaults, out string? mistake)
    {
        mistake = null;
        var wanted = thresholds is null or { Low: 0, High: 0 } ? defaults : new VerdictThresholds(thresholds.Low, thresholds.High);
        if (wanted.IsValid)
        {
            return this with { Thresholds = wanted };
        }

        mistake = $"thresholds {wanted.Low} and {wanted.High} do not satisfy 0 <= low <= high <= 1";
        return null;
    }

    /// <summary>The same with another mask; null, and why, where it is not known.</summary>
    /// <param name="mask">Null: the defaults.</param>
    public AnalysisSettings? With(MaskSettings? mask, out string? mistake)
    {
        mistake = null;
        mask ??= new MaskSettings();
        MaskPolicy? policy = mask.Policy switch
        {
            Wire.MaskPolicy.Unspecified or Wire.MaskPolicy.WhenSuspected => MaskPolicy.WhenSuspected,
            Wire.MaskPolicy.Always => MaskPolicy.Always,
            Wire.MaskPolicy.Never => MaskPolicy.Never,
            _ => null,
        };
        MaskEncoding? encoding = mask.Encoding switch
        {
            Wire.MaskEncoding.Unspecified or Wire.MaskEncoding.Rle => MaskEncoding.Rle,
            Wire.MaskEncoding.Png => MaskEncoding.Png,
            Wire.MaskEncoding.SoftPng => MaskEncoding.SoftPng,
            _ => null,
        };
        if (policy is null)
        {
            mistake = $"mask policy {(int)mask.Policy} is not known";
            return null;
        }

        if (encoding is null)
        {
            mistake = $"mask encoding {(int)mask.Encoding} is not known";
            return null;
        }

        return this with { MaskPolicy = policy.Value, MaskEncoding = encoding.Value, RequestedMaskBytes = mask.MaxBytes };
    }

    /// <param name="receivedAt">Timestamp of the frame's receipt.</param>
    /// <param name="maxAge">Age from which it is of no use; null: never.</param>
    /// <param name="adaptation">The state it is answered with; null: the model's own parameters.</param>
    public AnalysisRequest ToRequest(long receivedAt, TimeSpan? maxAge, AdaptationSession? adaptation = null) => new()
    {
        Thresholds = Thresholds,
        MaskPolicy = MaskPolicy,
        MaskEncoding = MaskEncoding,
        MaxMaskBytes = MaxMaskBytes(adaptation is not null),
        Deterministic = Deterministic,
        Adaptation = adaptation,
        ReceivedAt = receivedAt,
        MaxAge = maxAge,
    };

    public Thresholds ToThresholds() => Thresholds.ToMessage();

    /// <param name="adapts">Whether the session does.</param>
    public MaskSettings ToMaskSettings(bool adapts) => new()
    {
        Policy = MaskPolicy switch
        {
            MaskPolicy.Always => Wire.MaskPolicy.Always,
            MaskPolicy.Never => Wire.MaskPolicy.Never,
            _ => Wire.MaskPolicy.WhenSuspected,
        },
        Encoding = MaskEncoding switch
        {
            MaskEncoding.Png => Wire.MaskEncoding.Png,
            MaskEncoding.SoftPng => Wire.MaskEncoding.SoftPng,
            _ => Wire.MaskEncoding.Rle,
        },
        MaxBytes = (uint)MaxMaskBytes(adapts),
    };

    /// <summary>Bytes of an encoded mask that may be returned.</summary>
    private int MaxMaskBytes(bool adapts)
    {
        // A session that adapts may return a base mask too.
        var room = (MaxResponseBytes - ResponseReserve) / (adapts ? 2 : 1);
        return RequestedMaskBytes == 0 ? room : (int)Math.Min(RequestedMaskBytes, (uint)room);
    }
}
