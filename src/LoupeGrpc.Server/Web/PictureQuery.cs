using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Receipts;

namespace LoupeGrpc.Server.Web;

/// <summary>What is wanted of pictures, from the query: <c>mask</c>, <c>thresholds</c>, <c>tiles</c>, <c>max_tiles</c>, <c>explain</c>, <c>receipt</c> and <c>model</c>, as the options of the client's tool.</summary>
/// <param name="Model">Empty: the server's default.</param>
internal sealed record PictureQuery(AnalysisSettings Settings, string Model)
{
    /// <param name="models">What is served: a query without thresholds gets those of its model.</param>
    /// <exception cref="ProblemException">It makes no sense, or its model is not served.</exception>
    public static PictureQuery Read(IQueryCollection query, LoupeOptions options, ModelRepository models)
    {
        var (policy, model) = (MaskPolicy.WhenSuspected, string.Empty);
        VerdictThresholds? thresholds = null;
        var (tiles, maxTiles) = (TilePolicy.Off, 0u);
        ExplanationLanguage? language = null;
        var receipts = false;
        foreach (var (name, values) in query)
        {
            var value = values.Count == 1 ? values[0]! : throw Wrong($"the query has {name} {values.Count} times");
            switch (name)
            {
                case "mask":
                    policy = value switch
                    {
                        "always" => MaskPolicy.Always,
                        "suspected" => MaskPolicy.WhenSuspected,
                        "never" => MaskPolicy.Never,
                        _ => throw Wrong($"mask is '{value}': expected always, suspected or never"),
                    };
                    break;
                case "thresholds":
                    thresholds = ReadThresholds(value);
                    break;
                case "tiles":
                    tiles = TileRequests.ReadPolicy(value) ?? throw Wrong($"tiles is '{value}': expected {TileRequests.ExpectedPolicy}");
                    break;
                case "max_tiles":
                    maxTiles = uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0
                        ? most
                        : throw Wrong($"max_tiles is '{value}': expected a whole number from 1 to {options.Limits.MaxTiles}");
                    break;
                case "explain":
                    language = ExplanationLanguages.Read(value) ?? throw Wrong(ExplanationLanguages.Unknown);
                    break;
                case "receipt":
                    receipts = value switch
                    {
                        "false" => false,
                        "true" when options.Receipts.AreSigned => true,
                        "true" => throw Wrong(ReceiptWriter.NoKey),
                        _ => throw Wrong($"receipt is '{value}': expected true or false"),
                    };
                    break;
                case "model":
                    model = value;
                    break;
                default:
                    throw Wrong($"the query has '{name}': expected mask, thresholds, tiles, max_tiles, explain, receipt or model");
            }
        }

        var served = models.Describe(model) ?? throw Wrong(models.Unknown(model));
        var settings = new AnalysisSettings
        {
            Thresholds = thresholds ?? options.Thresholds.For(served.Calibration?.Thresholds),
            Mask = new MaskRequest(policy, MaskEncoding.Rle, 0),
            Tiles = TileRequests.Of(tiles, maxTiles, budget: null, options.Limits, out var error) ?? throw Wrong(error!),
            Explain = language,
            Receipts = receipts,
            MaxResponseBytes = AnalysisSettings.DefaultResponseBytes,
        };
        return new PictureQuery(settings, model);
    }

    private static VerdictThresholds ReadThresholds(string text)
    {
        var parts = text.Split(',');
        return parts.Length == 2
            && float.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var low)
            && float.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var high)
            && new VerdictThresholds(low, high) is { IsValid: true, High: > 0 } thresholds
            ? thresholds
            : throw Wrong($"thresholds is '{text}': expected LOW,HIGH with 0 <= LOW <= HIGH <= 1 and HIGH above 0, as in 0.4,0.6");
    }

    private static ProblemException Wrong(string message) => new(Problem.Invalid(message));
}
