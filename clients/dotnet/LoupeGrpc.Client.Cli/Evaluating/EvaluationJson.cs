using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>An evaluation as one JSON object, whose fields and names are a contract. What cannot be computed is null.</summary>
internal static class EvaluationJson
{
    /// <summary>More points of a curve nobody sees; figures are computed from all.</summary>
    private const int MaxPoints = 400;

    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(Evaluation evaluation)
    {
        var json = Figures(evaluation.Figures);
        json["failed"] = evaluation.Judged.Failures.Count;
        json["bootstrap"] = new JsonObject { ["samples"] = evaluation.Samples, ["seed"] = evaluation.Seed };
        json["thresholds"] = new JsonArray([.. evaluation.Thresholds.Select(threshold => Threshold(evaluation.Figures.Curve.At(threshold)))]);
        json["reliability"] = evaluation.Figures.Reliability is { } reliability
            ? new JsonArray([.. reliability.Bins.Select(static bin => new JsonObject
            {
                ["from"] = bin.From,
                ["to"] = bin.To,
                ["n"] = bin.Count,
                ["score"] = bin.MeanScore,
                ["forged"] = bin.ForgedShare,
            })])
            : null;
        json["roc"] = Curve(evaluation.Figures.Curve, static figures => [figures.FalseAlarmRate, figures.Recall, figures.Threshold]);
        json["precision_recall"] = Curve(evaluation.Figures.Curve, static figures => [figures.Recall, figures.Precision, figures.Threshold]);
        if (evaluation.By is { } by)
        {
            json["by"] = by;
            json["groups"] = new JsonObject(evaluation.Groups.Select(static group => KeyValuePair.Create<string, JsonNode?>(group.Name, Figures(group.Figures))));
        }

        if (evaluation.Perturbations.Count > 0)
        {
            json["perturbations"] = new JsonObject(evaluation.Perturbations.Select(static perturbed =>
            {
                var figures = Figures(perturbed.Figures);
                figures["failed"] = perturbed.Judged.Failures.Count;
                return KeyValuePair.Create<string, JsonNode?>(perturbed.Name, figures);
            }));
        }

        if (evaluation.Explain.Length > 0)
        {
            json["explanation"] = new JsonArray([.. evaluation.Sentences.Select(static sentence => new JsonObject
            {
                ["code"] = WireName.Of(sentence.Code),
                ["text"] = sentence.Text,
                ["numbers"] = new JsonObject(sentence.Facts.Where(static fact => fact.Word is null).Select(static fact => KeyValuePair.Create<string, JsonNode?>(fact.Name, fact.Value))),
                ["words"] = new JsonObject(sentence.Facts.Where(static fact => fact.Word is not null).Select(static fact => KeyValuePair.Create<string, JsonNode?>(fact.Name, fact.Word))),
            })]);
        }

        json["worst"] = new JsonObject
        {
            ["missed"] = Pictures(evaluation.Worst.Missed),
            ["false_alarms"] = Pictures(evaluation.Worst.FalseAlarms),
            ["masks"] = Pictures(evaluation.Worst.Masks),
        };
        if (evaluation.Grant is { Model: { } model } grant)
        {
            json["model"] = new JsonObject { ["name"] = model.Name, ["version"] = model.Version, ["hash"] = model.Hash, ["demonstration"] = model.Demonstration };
            json["provider"] = grant.Execution?.Provider;
            json["precision"] = grant.Execution?.Precision;
        }

        json["failures"] = new JsonArray([.. evaluation.Failures.Select(static failure => new JsonObject { ["path"] = failure.Path, ["message"] = failure.Message })]);
        json["pictures"] = Pictures(evaluation.Judged.Pictures);
        return json.ToJsonString(Options);
    }

    private static JsonObject Figures(QualityFigures figures)
    {
        var best = figures.Curve.Best();
        return new JsonObject
        {
            ["n"] = figures.Pictures,
            ["forged"] = figures.Curve.Forged,
            ["authentic"] = figures.Curve.Authentic,
            ["masks"] = figures.Compared,
            ["auc"] = figures.Auc,
            ["auc_interval"] = Pair(figures.Intervals?.Auc),
            ["f1"] = figures.F1,
            ["f1_interval"] = Pair(figures.Intervals?.F1),
            ["iou"] = figures.Iou,
            ["iou_interval"] = Pair(figures.Intervals?.Iou),
            ["overall"] = figures.Overall,
            ["overall_interval"] = Pair(figures.Intervals?.Overall),
            ["accuracy"] = figures.Accuracy,
            ["f1_image"] = figures.ImageF1,
            ["average_precision"] = figures.Curve.AveragePrecision,
            ["recall_at_far"] = ByRate(rate => figures.Curve.RecallAt(rate)),
            ["recall_at_far_interval"] = ByRate(rate => Pair(figures.Intervals?.RecallAtFar[rate])),
            ["threshold"] = best?.Threshold,
            ["at_threshold"] = best is null ? null : Threshold(best),
            ["ece"] = figures.Reliability?.ExpectedError,
            ["brier"] = figures.Reliability?.Brier,
        };
    }

    private static JsonObject ByRate(Func<double, JsonNode?> value) =>
        new(QualityFigures.FalseAlarmRates.Select(rate => KeyValuePair.Create(rate.ToString(CultureInfo.InvariantCulture), value(rate))));

    private static JsonObject Threshold(ThresholdFigures figures) => new()
    {
        ["threshold"] = figures.Threshold,
        ["recall"] = figures.Recall,
        ["false_alarm_rate"] = figures.FalseAlarmRate,
        ["precision"] = figures.Precision,
        ["f1"] = figures.F1,
        ["accuracy"] = figures.Accuracy,
    };

    private static JsonArray Curve(ScoreCurve curve, Func<ThresholdFigures, double?[]> point) => new(
    [
        .. CurvePoints.Thin(curve, MaxPoints).Select(point).Where(static values => values.All(static value => value is not null))
            .Select(static values => new JsonArray([.. values.Select(static value => JsonValue.Create(value!.Value))])),
    ]);

    private static JsonArray Pictures(IEnumerable<EvaluatedPicture> pictures) => new(
    [
        .. pictures.Select(static picture => new JsonObject
        {
            ["path"] = PathText.Show(picture.Case.Path),
            ["label"] = picture.Case.IsForged ? 1 : 0,
            ["score"] = picture.Score,
            ["iou"] = picture.Pixels?.ForgedIou,
        }),
    ]);

    private static JsonArray? Pair(Interval? interval) => interval is { } value ? new JsonArray(value.Low, value.High) : null;
}
