using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;
using MaskEncoding = LoupeGrpc.Engine.MaskEncoding;
using MaskPolicy = LoupeGrpc.Engine.MaskPolicy;
using TilePolicy = LoupeGrpc.Engine.TilePolicy;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>Settings of the contract that a session and a single picture share.</summary>
internal static class AnalysisSettingsReader
{
    /// <summary>Null, and why, where they make no sense.</summary>
    /// <param name="thresholds">Null or both 0: <paramref name="defaults"/>, and so does each of the two that is not set.</param>
    public static VerdictThresholds? Read(Thresholds? thresholds, VerdictThresholds defaults, out string? error)
    {
        error = null;
        thresholds ??= new Thresholds();
        var (defaultLow, defaultHigh) = (thresholds.DefaultLow || thresholds is { Low: 0, High: 0 }, thresholds.High == 0);
        var wanted = new VerdictThresholds(defaultLow ? defaults.Low : thresholds.Low, defaultHigh ? defaults.High : thresholds.High);
        if (wanted.IsValid)
        {
            return wanted;
        }

        var given = defaultLow ? $"; {wanted.Low} is the server's default: give low too" : defaultHigh ? $"; {wanted.High} is the server's default: give high too" : "";
        error = $"thresholds {wanted.Low} and {wanted.High} do not satisfy 0 <= low <= high <= 1{given}";
        return null;
    }

    /// <summary>Null, and why, where it is not known.</summary>
    /// <param name="mask">Null: the defaults.</param>
    public static MaskRequest? Read(MaskSettings? mask, out string? error)
    {
        error = null;
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
            error = $"mask policy {(int)mask.Policy} is not known";
            return null;
        }

        if (encoding is null)
        {
            error = $"mask encoding {(int)mask.Encoding} is not known";
            return null;
        }

        return new MaskRequest(policy.Value, encoding.Value, mask.MaxBytes);
    }

    /// <summary>Null, and why, where they make no sense.</summary>
    /// <param name="tiles">Null: the defaults.</param>
    public static TileRequest? Read(TileSettings? tiles, LoupeOptions options, out string? error)
    {
        error = null;
        tiles ??= new TileSettings();
        TilePolicy? policy = tiles.Policy switch
        {
            Wire.TilePolicy.Unspecified or Wire.TilePolicy.Off => TilePolicy.Off,
            Wire.TilePolicy.Auto => TilePolicy.Auto,
            Wire.TilePolicy.Native => TilePolicy.Native,
            _ => null,
        };
        if (policy is null)
        {
            error = $"tile policy {(int)tiles.Policy} is not known";
            return null;
        }

        TimeSpan? budget = tiles.BudgetMs == 0 ? null : TimeSpan.FromMilliseconds(tiles.BudgetMs);
        return TileRequests.Of(policy.Value, tiles.MaxTiles, budget, options.Limits, out error) is { } request
            ? TileRequests.Rotating(request, tiles.TilesPerFrame, tiles.WindowFrames, out error)
            : null;
    }

    /// <param name="tag">Empty: none.</param>
    /// <param name="error">Why the language is none, where it should be one.</param>
    public static bool TryReadLanguage(string tag, out ExplanationLanguage? language, [NotNullWhen(false)] out string? error)
    {
        language = ExplanationLanguages.Read(tag);
        error = language is null && tag.Length > 0 ? ExplanationLanguages.Unknown : null;
        return error is null;
    }

    public static TileSettings ToMessage(this TileRequest tiles) => new()
    {
        Policy = tiles.Policy switch
        {
            TilePolicy.Auto => Wire.TilePolicy.Auto,
            TilePolicy.Native => Wire.TilePolicy.Native,
            _ => Wire.TilePolicy.Off,
        },
        MaxTiles = (uint)tiles.MaxTiles,
        BudgetMs = (uint)(tiles.Budget?.TotalMilliseconds ?? 0),
        TilesPerFrame = (uint)tiles.PerFrame,
        WindowFrames = (uint)tiles.Window,
    };
}
