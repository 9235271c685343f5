using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Web;

/// <summary>What is wanted of pictures, from the query: <c>mask</c>, <c>thresholds</c> and <c>model</c>, as the options of the client's tool.</summary>
/// <param name="Model">Empty: the server's default.</param>
internal sealed record PictureQuery(AnalysisSettings Settings, string Model)
{
    /// <exception cref="ProblemException"/>
    public static PictureQuery Read(IQueryCollection query, LoupeOptions options)
    {
        var (policy, thresholds, model) = (MaskPolicy.WhenSuspected, options.Thresholds, string.Empty);
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
                case "model":
                    model = value;
                    break;
                default:
                    throw Wrong($"the query has '{name}': expected mask, thresholds or model");
            }
        }

        return new PictureQuery(
            new AnalysisSettings { Thresholds = thresholds, Mask = new MaskWish(policy, MaskEncoding.Rle, 0), MaxResponseBytes = AnalysisSettings.DefaultResponseBytes },
            model);
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
