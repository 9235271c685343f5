using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Server.Calibration;

/// <summary>How a package is wished to be calibrated.</summary>
/// <param name="Version">Of the new package; null: that of the parent, with a mark of the pictures.</param>
internal sealed record CalibrationRequest(RatePromise FalseAlarms, string? Version);

/// <summary>The manifest of a package with a calibration, and what there is to say about that.</summary>
internal sealed class CalibratedManifest
{
    /// <summary>Between the version of the parent and the mark.</summary>
    private const string VersionMark = "-calibrated-";

    /// <summary>As the intervals are.</summary>
    private const double UsualConfidence = 0.95;

    /// <summary>0 stands for the default where thresholds are sent.</summary>
    private const float SmallestHigh = 1e-6f;

    private readonly ScoreScale _scale;

    private CalibratedManifest(ModelManifest manifest, IReadOnlyList<string> warnings) => (Manifest, Warnings, _scale) = (manifest, warnings, ScoreScale.Of(manifest));

    public ModelManifest Manifest { get; }

    /// <summary>Sentences for people, each on a line.</summary>
    public IReadOnlyList<string> Warnings { get; }

    public CalibrationSettings Calibration => Manifest.Calibration!;

    /// <summary>By the new calibration.</summary>
    public float ScoreOf(CalibrationPicture picture) => ScoreOf(_scale, picture.Judged);

    /// <exception cref="CalibrationException">The pictures are too few, or have scores of which no threshold can keep the promise.</exception>
    public static CalibratedManifest Of(ModelPackage parent, CalibrationSample sample, CalibrationRequest request, ExecutionDescription execution, DateTimeOffset now)
    {
        var before = parent.Manifest;
        var map = new LogitMap(before.Calibration?.Temperature ?? 1, before.Calibration?.Bias ?? 0, before.Tiles?.Bias ?? 0);
        var thresholds = before.Calibration?.Thresholds ?? new CalibratedThresholds(VerdictThresholds.Default.Low, VerdictThresholds.Default.High);
        var goal = new CalibrationGoal(request.FalseAlarms, map, thresholds.Low, thresholds.High);
        List<JudgedLogit> judged = [.. sample.Pictures.Select(static picture => picture.Judged)];
        var hasTiles = before.Tiles is not null;
        var fit = Quality.Calibration.Of(judged, goal, hasTiles) ?? throw TooFew(judged, request.FalseAlarms);
        if (fit.Map.Temperature is not (>= CalibrationSettings.MinTemperature and <= CalibrationSettings.MaxTemperature))
        {
            throw new CalibrationException($"the fitted temperature {fit.Map.Temperature} is out of range: the pictures are not representative of what the model sees.");
        }

        var list = DigestOf(sample.Pictures);
        var calibration = new CalibrationSettings
        {
            Temperature = fit.Map.Temperature,
            Bias = fit.Map.Bias,
            Thresholds = new CalibratedThresholds(0, 1),
            FalseAlarms = request.FalseAlarms.Rate,
            Confidence = request.FalseAlarms.Confidence,
            Whole = new CalibrationEvidence(0, 0),
            Pictures = list,
            MadeAt = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond)),
            Producer = ProductVersion.Name,
            Execution = new CalibrationExecution(execution.Provider, execution.Precision),
            Parent = new CalibrationParent(before.Name, before.Version, parent.Hash),
        };
        var manifest = before with
        {
            FormatVersion = PackageLayout.CalibratedFormatVersion,
            Version = request.Version ?? $"{before.Version.Split(VersionMark)[0]}{VersionMark}{list[..8]}",
            Producer = ProductVersion.Name,
            Tiles = hasTiles ? new TileSettings(fit.Map.TileBias) : null,
            Calibration = calibration,
        };
        var scale = ScoreScale.Of(manifest);
        calibration = calibration with { Thresholds = ThresholdsOf(fit, scale, judged, request.FalseAlarms) };
        var heldOut = CalibrationErrors.HeldOut(judged, fit, goal, hasTiles);
        calibration = calibration with
        {
            Whole = EvidenceOf(isTiled: false),
            Tiles = hasTiles ? EvidenceOf(isTiled: true) : null,
        };
        return new CalibratedManifest(manifest with { Calibration = calibration }, [.. CalibrationWarnings.Of(fit, calibration, request.FalseAlarms, UsualConfidence)]);

        CalibrationEvidence EvidenceOf(bool isTiled)
        {
            var path = judged.Where(picture => picture.IsTiled == isTiled).ToList();
            var (authentic, forged) = (path.Where(static picture => !picture.IsForged).ToList(), path.Where(static picture => picture.IsForged).ToList());
            return new CalibrationEvidence(authentic.Count, forged.Count)
            {
                FalseAlarms = RateOf(authentic.Count(picture => ScoreOf(scale, picture) >= calibration.Thresholds.High), authentic.Count),
                Misses = RateOf(forged.Count(picture => ScoreOf(scale, picture) < calibration.Thresholds.Low), forged.Count),
                Before = ErrorsOf(path.ConvertAll(picture => picture with { Logit = map.Of(picture) })),
                After = heldOut is null ? null : ErrorsOf([.. heldOut.Where(picture => picture.IsTiled == isTiled)]),
            };
        }
    }

    /// <summary>As the engine compares: in single precision, where scores that are apart as logits may be the same.</summary>
    private static CalibratedThresholds ThresholdsOf(Quality.Calibration fit, ScoreScale scale, List<JudgedLogit> judged, RatePromise promise)
    {
        var high = Math.Max((float)Logits.Sigmoid(fit.High), SmallestHigh);
        foreach (var path in judged.Where(static picture => !picture.IsForged).GroupBy(static picture => picture.IsTiled))
        {
            if (promise.Allowed(path.Count()) is not { } allowed)
            {
                continue;
            }

            float[] highest = [.. path.Select(picture => ScoreOf(scale, picture)).OrderDescending()];
            // The first one that must be below.
            high = Math.Max(high, MathF.BitIncrement(highest[allowed]));
        }

        return high <= 1
            ? new CalibratedThresholds(Math.Min((float)Logits.Sigmoid(fit.Low), high), high)
            : throw new CalibrationException(
                "more authentic pictures than the wished share have the highest score there is, so that no threshold leaves them out: the model cannot be used on pictures like these.");
    }

    private static float ScoreOf(ScoreScale scale, JudgedLogit picture) => picture.IsTiled ? scale.OfTiles(picture.Logit) : scale.OfWhole((float)picture.Logit);

    private static ObservedRate? RateOf(int count, int of)
    {
        if (of == 0)
        {
            return null;
        }

        var interval = Binomial.IntervalOf(count, of);
        return new ObservedRate(count, of, interval.Low, interval.High);
    }

    private static ScoreErrors? ErrorsOf(IReadOnlyCollection<JudgedLogit> pictures) =>
        CalibrationErrors.Of(pictures) is { } errors ? new ScoreErrors(errors.LogLoss, errors.ExpectedError) : null;

    /// <summary>A line for each picture: hash, label, w for whole or t for tiles, the logit in its shortest form; separated by spaces.</summary>
    private static string DigestOf(IReadOnlyList<CalibrationPicture> pictures)
    {
        var text = new StringBuilder();
        foreach (var picture in pictures)
        {
            text.Append(CultureInfo.InvariantCulture, $"{picture.Sha256} {(picture.Judged.IsForged ? 1 : 0)} {(picture.Judged.IsTiled ? 't' : 'w')} {picture.Judged.Logit:R}\n");
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text.ToString())));
    }

    private static CalibrationException TooFew(List<JudgedLogit> judged, RatePromise promise)
    {
        var (whole, tiled) = (judged.Count(static picture => picture is { IsForged: false, IsTiled: false }), judged.Count(static picture => picture is { IsForged: false, IsTiled: true }));
        var there = tiled == 0 ? $"{whole} authentic pictures are" : $"{whole} authentic pictures that are looked at whole and {tiled} in tiles are";
        return new CalibrationException(CalibrationWarnings.TooFew(there, promise));
    }
}
