using System.Globalization;
using LoupeGrpc.Packaging;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Server.Calibration;

/// <summary>What a calibration does not rest on, in words.</summary>
internal static class CalibrationWarnings
{
    /// <param name="there">What there is, up to its verb.</param>
    public static string TooFew(string there, RatePromise promise) => promise.Confidence is { } confidence
        ? $"{there} too few to be {Percent(confidence)} sure of at most {Percent(promise.Rate)} false alarms: at least {promise.Needed} are needed. Give more, or wish for less: --confidence, --false-alarms."
        : $"{there} too few for {Percent(promise.Rate)} false alarms: at least {promise.Needed} are needed. Give more, or allow more: --false-alarms.";

    /// <param name="usual">How sure people usually wish to be.</param>
    public static IEnumerable<string> Of(Quality.Calibration fit, CalibrationSettings made, RatePromise promise, double usual)
    {
        foreach (var (name, evidence) in new[] { ("pictures looked at whole", made.Whole), ("pictures in tiles", made.Tiles) })
        {
            var needed = (promise with { Confidence = usual }).Needed;
            if (evidence is { FalseAlarms: { } rate } && evidence.Authentic < needed)
            {
                yield return $"{evidence.Authentic} authentic {name} cannot show that at most {Percent(promise.Rate)} of others are false alarms: "
                    + $"the true rate may be up to {Percent(rate.High)}. {needed} are the least with which one can be {Percent(usual)} sure.";
            }

            if (evidence is { Before: { } before, After: { } after } && after.LogLoss > before.LogLoss)
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture,
                    $"on {name} that the fit had not seen, scores became no better probabilities: log loss {after.LogLoss:0.000}, before {before.LogLoss:0.000}.");
            }
        }

        foreach (var gap in fit.Gaps)
        {
            yield return gap switch
            {
                CalibrationGap.TooFewToFit =>
                    $"temperature and bias stay as they were: fewer than {Quality.Calibration.FewestToFit} pictures of a class. A score is no better a probability than before.",
                CalibrationGap.NothingToFit => "temperature and bias stay as they were: the model says nearly the same of every picture.",
                CalibrationGap.WrongOrder =>
                    "temperature and bias stay as they were: forged pictures have no higher scores than authentic ones. The model does not see these forgeries; thresholds do not change that.",
                CalibrationGap.TooFewForLow =>
                    $"the lower threshold follows the upper one at its old distance: there are fewer than {promise.Needed} forged pictures to say how many {Percent(promise.Rate)} are.",
                CalibrationGap.WholeUnsupported =>
                    $"too few authentic pictures are looked at whole ({made.Whole.Authentic}, at least {promise.Needed} are needed): nothing is known of false alarms among those.",
                CalibrationGap.TilesUnsupported =>
                    $"too few authentic pictures are looked at in tiles ({made.Tiles?.Authentic ?? 0}, at least {promise.Needed} are needed): the bias of tiles stays, and nothing is known of false alarms among those.",
                _ => throw new ArgumentOutOfRangeException(nameof(fit), gap, "Not a gap."),
            };
        }
    }

    public static string Percent(double share) => $"{(100 * share).ToString("0.##", CultureInfo.InvariantCulture)} %";
}
