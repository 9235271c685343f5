using System.Globalization;
using LoupeGrpc.Client.Cli.Explaining;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>An evaluation as lines for people.</summary>
internal static class EvaluationText
{
    private const string Unknown = "-";

    public static IEnumerable<string> Lines(Evaluation evaluation)
    {
        var figures = evaluation.Figures;
        var failed = evaluation.Judged.Failures.Count;
        yield return Invariant($"{figures.Pictures} pictures: {figures.Curve.Forged} forged, {figures.Curve.Authentic} authentic; {figures.Compared} masks compared{(failed > 0 ? Invariant($"; {failed} failed") : "")}");
        yield return "";
        foreach (var (name, value, interval) in MainFigures(figures))
        {
            yield return Invariant($"{name,-26} {Number(value),7}{(interval is { } range ? Invariant($"  ({range.Low:0.0000} to {range.High:0.0000})") : "")}");
        }

        if (evaluation.Sentences.ToList() is { Count: > 0 } sentences)
        {
            yield return "";
            yield return FigureTexts.Of(evaluation.Explain).Title;
            foreach (var sentence in sentences)
            {
                yield return $"  {sentence.Text}";
            }
        }

        yield return "";
        yield return "threshold  recall  false alarms  precision      F1  accuracy";
        foreach (var row in evaluation.Thresholds.Select(figures.Curve.At))
        {
            yield return Row(row, "");
        }

        if (figures.Curve.Best() is { } best)
        {
            yield return Row(best, "  best");
        }

        foreach (var line in Table(evaluation.By ?? "", evaluation.Groups))
        {
            yield return line;
        }

        foreach (var line in Table("changed by", Robustness(evaluation)))
        {
            yield return line;
        }

        foreach (var (title, pictures) in Worst(evaluation.Worst))
        {
            yield return "";
            yield return title;
            foreach (var picture in pictures)
            {
                yield return Invariant($"  {picture.Score:0.000}  {Number(picture.Pixels?.ForgedIou),7}  {PathText.Show(picture.Case.Path)}");
            }
        }
    }

    /// <summary>The figures that stand first, with what they are called.</summary>
    public static IEnumerable<(string Name, double? Value, Interval? Interval)> MainFigures(QualityFigures figures)
    {
        yield return ("AUC", figures.Auc, figures.Intervals?.Auc);
        yield return ("F1 (pixels)", figures.F1, figures.Intervals?.F1);
        yield return ("mean IoU", figures.Iou, figures.Intervals?.Iou);
        yield return ("overall", figures.Overall, figures.Intervals?.Overall);
        foreach (var rate in QualityFigures.FalseAlarmRates)
        {
            yield return (Invariant($"recall at {rate:0 %} false alarms"), figures.Curve.RecallAt(rate), figures.Intervals?.RecallAtFar[rate]);
        }

        yield return ("average precision", figures.Curve.AveragePrecision, null);
        yield return ("accuracy above 0.5", figures.Accuracy, null);
        yield return ("F1 of pictures above 0.5", figures.ImageF1, null);
        yield return ("expected calibration error", figures.Reliability?.ExpectedError, null);
    }

    /// <summary>The pictures as they are, and behind them what was done to them; nothing where nothing was.</summary>
    public static IReadOnlyList<(string Name, QualityFigures Figures)> Robustness(Evaluation evaluation) => evaluation.Perturbations.Count == 0
        ? []
        : [("nothing", evaluation.Figures), .. evaluation.Perturbations.Select(static perturbed => (perturbed.Name, perturbed.Figures))];

    /// <summary>What to look at first, as it is called.</summary>
    public static IEnumerable<(string Title, IReadOnlyList<EvaluatedPicture> Pictures)> Worst(WorstCases worst)
    {
        (string, IReadOnlyList<EvaluatedPicture>)[] all =
        [
            ("Forged pictures with the lowest scores (score, IoU, path)", worst.Missed),
            ("Authentic pictures with the highest scores (score, IoU, path)", worst.FalseAlarms),
            ("Masks that fit least (score, IoU, path)", worst.Masks),
        ];
        return all.Where(static part => part.Item2.Count > 0);
    }

    public static string Number(double? value) => value is { } number ? Invariant($"{number:0.0000}") : Unknown;

    private static IEnumerable<string> Table(string title, IReadOnlyList<(string Name, QualityFigures Figures)> rows)
    {
        if (rows.Count == 0)
        {
            yield break;
        }

        var width = Math.Max(title.Length, rows.Max(static row => row.Name.Length));
        yield return "";
        yield return $"{title.PadRight(width)}      n  forged     AUC      F1     IoU  overall";
        foreach (var (name, figures) in rows)
        {
            yield return Invariant($"{name.PadRight(width)}  {figures.Pictures,5}  {figures.Curve.Forged,6}  {Number(figures.Auc),6}  {Number(figures.F1),6}  {Number(figures.Iou),6}  {Number(figures.Overall),7}");
        }
    }

    private static string Row(ThresholdFigures row, string remark) => Invariant(
        $"{row.Threshold,9:0.0000}  {Number(row.Recall),6}  {Number(row.FalseAlarmRate),12}  {Number(row.Precision),9}  {Number(row.F1),6}  {Number(row.Accuracy),8}{remark}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
