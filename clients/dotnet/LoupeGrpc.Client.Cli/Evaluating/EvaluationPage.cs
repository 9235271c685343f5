using System.Globalization;
using System.Text;
using LoupeGrpc.Client.Cli.Explaining;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>An evaluation as one HTML file.</summary>
internal static class EvaluationPage
{
    private const int CurveMost = 400;
    private const int HistogramBins = 20;

    /// <param name="evaluation">What it shows.</param>
    /// <param name="written">When.</param>
    public static string Write(Evaluation evaluation, DateTimeOffset written)
    {
        var isDemonstration = evaluation.Grant?.Model?.Demonstration == true;
        var page = new StringBuilder();
        page.Append(PageFrame.Start($"Evaluation of {evaluation.Subject}", Style));
        page.AppendLine(CultureInfo.InvariantCulture, $"<h1>Evaluation of {Text(evaluation.Subject)}</h1>\n<p class=\"about\">{Text(About(evaluation, written))}</p>");
        if (isDemonstration)
        {
            page.Append(PageFrame.Demonstration);
        }

        AppendFigures(page, evaluation);
        AppendSentences(page, evaluation);
        AppendCharts(page, evaluation.Figures);
        AppendThresholds(page, evaluation);
        AppendTable(page, $"By {evaluation.By}", evaluation.By ?? "", evaluation.Groups);
        AppendTable(page, "Robustness", "changed by", EvaluationText.Robustness(evaluation));
        foreach (var (title, pictures) in EvaluationText.Worst(evaluation.Worst))
        {
            AppendCases(page, title.Split(" (")[0], pictures, isDemonstration);
        }

        AppendFailures(page, [.. evaluation.Failures]);
        page.Append(PageFrame.End);
        return page.ToString();
    }

    private static string About(Evaluation evaluation, DateTimeOffset written)
    {
        var figures = evaluation.Figures;
        var by = evaluation.Grant is { Model: { } model } grant
            ? $", analysed by {model.Name} {model.Version} ({model.Hash[..Math.Min(8, model.Hash.Length)]}), {grant.Execution?.Provider} {grant.Execution?.Precision}"
            : ", predictions made elsewhere";
        var intervals = evaluation.Samples > 0 ? Invariant($" Intervals are the middle 95 % of {evaluation.Samples} samples drawn with replacement (seed {evaluation.Seed}).") : "";
        return Invariant($"{figures.Pictures} pictures, {figures.Curve.Forged} forged and {figures.Curve.Authentic} authentic, {figures.Compared} masks compared{by}; {written.UtcDateTime:yyyy-MM-dd HH:mm} UTC.{intervals}");
    }

    private static void AppendFigures(StringBuilder page, Evaluation evaluation)
    {
        page.AppendLine("<div class=\"cards\">");
        foreach (var (name, value, interval) in EvaluationText.MainFigures(evaluation.Figures))
        {
            var range = interval is { } known ? Invariant($"{known.Low:0.000} to {known.High:0.000}") : "";
            page.AppendLine(CultureInfo.InvariantCulture, $"""<div class="card"><b>{EvaluationText.Number(value)}</b><span>{Text(name)}</span><small>{range}</small></div>""");
        }

        page.AppendLine("</div>");
    }

    private static void AppendSentences(StringBuilder page, Evaluation evaluation)
    {
        var sentences = evaluation.Sentences.ToList();
        if (sentences.Count > 0)
        {
            page.AppendLine(CultureInfo.InvariantCulture, $"<section lang=\"{Text(evaluation.Explain)}\"><h2>{Text(FigureTexts.Of(evaluation.Explain).Title)}</h2>\n<ul class=\"sentences\">");
            foreach (var sentence in sentences)
            {
                page.AppendLine(CultureInfo.InvariantCulture, $"<li>{Text(sentence.Text)}</li>");
            }

            page.AppendLine("</ul></section>");
        }
    }

    private static void AppendCharts(StringBuilder page, QualityFigures figures)
    {
        var curve = figures.Curve;
        page.AppendLine("<h2>Curves</h2>\n<div class=\"charts\">");
        var points = CurvePoints.Thin(curve, CurveMost).ToList();
        if (curve.Forged > 0 && curve.Authentic > 0)
        {
            var roc = Chart("ROC", "false alarms", "recall").Line([(0, 0), (1, 1)], "chance")
                .Line(points.Select(static point => (point.FalseAlarmRate!.Value, point.Recall!.Value)).Prepend((0, 0)), "curve");
            var best = curve.Best()!;
            AppendChart(
                page, roc.Dot(best.FalseAlarmRate!.Value, best.Recall!.Value, 4, "best"),
                Invariant($"The dot is the best threshold, {best.Threshold:0.0000}: it finds {best.Recall:0.0 %} at {best.FalseAlarmRate:0.0 %} false alarms."));
        }

        if (curve.Forged > 0)
        {
            AppendChart(
                page,
                Chart("Precision and recall", "recall", "precision").Line(points.Select(static point => (point.Recall!.Value, point.Precision!.Value)), "curve"),
                Invariant($"Of all here {(double)curve.Forged / figures.Pictures:0.0 %} are forged: a coin's precision."));
        }

        if (figures.Reliability is { } reliability)
        {
            var chart = Chart("Reliability", "score", "share forged").Line([(0, 0), (1, 1)], "chance")
                .Line(reliability.Bins.Select(static bin => (bin.MeanScore, bin.ForgedShare)), "curve");
            foreach (var bin in reliability.Bins)
            {
                chart.Dot(bin.MeanScore, bin.ForgedShare, 2 + (6 * Math.Sqrt((double)bin.Count / figures.Pictures)), "best");
            }

            AppendChart(page, chart, "On the dashed line a score is a probability. Larger dots stand for more pictures.");
            AppendChart(page, Histogram(curve), "How many pictures have which score, of the tallest bar: forged ones in front, authentic ones behind.");
        }

        page.AppendLine("</div>");
    }

    private static SvgChart Histogram(ScoreCurve curve)
    {
        var (forged, authentic) = (new int[HistogramBins], new int[HistogramBins]);
        var before = default(CurvePoint);
        foreach (var point in curve.Points)
        {
            var bin = Math.Min((int)(point.Threshold * HistogramBins), HistogramBins - 1);
            forged[bin] += point.Found - before.Found;
            authentic[bin] += point.FalseAlarms - before.FalseAlarms;
            before = point;
        }

        var most = (double)Math.Max(forged.Max(), authentic.Max());
        var chart = Chart("Scores", "score", "pictures");
        for (var bin = 0; bin < HistogramBins; bin++)
        {
            var (from, to) = ((double)bin / HistogramBins, (double)(bin + 1) / HistogramBins);
            chart.Bar(from, to, authentic[bin] / most, "authentic").Bar(from + 0.012, to - 0.012, forged[bin] / most, "forged");
        }

        return chart;
    }

    private static SvgChart Chart(string title, string x, string y) => new(title, SvgAxis.OfShares(x), SvgAxis.OfShares(y));

    private static void AppendChart(StringBuilder page, SvgChart chart, string caption) =>
        page.AppendLine(CultureInfo.InvariantCulture, $"<figure>{chart.ToSvg()}<figcaption>{Text(caption)}</figcaption></figure>");

    private static void AppendThresholds(StringBuilder page, Evaluation evaluation)
    {
        var curve = evaluation.Figures.Curve;
        var best = curve.Best();
        page.AppendLine("<h2>Thresholds</h2>\n<table><tr><th>called forged from</th><th>recall</th><th>false alarms</th><th>precision</th><th>F1</th><th>accuracy</th></tr>");
        foreach (var row in evaluation.Thresholds.Select(curve.At).Concat(best is null ? [] : [best]))
        {
            var style = ReferenceEquals(row, best) ? " class=\"mark\"" : "";
            page.AppendLine(CultureInfo.InvariantCulture, $"<tr{style}><td>{row.Threshold:0.0000}{(style.Length > 0 ? " (best)" : "")}</td>{Cells(row.Recall, row.FalseAlarmRate, row.Precision, row.F1, row.Accuracy)}</tr>");
        }

        page.AppendLine("</table>");
    }

    private static void AppendTable(StringBuilder page, string title, string column, IReadOnlyList<(string Name, QualityFigures Figures)> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        page.AppendLine(CultureInfo.InvariantCulture, $"<h2>{Text(title)}</h2>\n<table><tr><th>{Text(column)}</th><th>pictures</th><th>forged</th><th>AUC</th><th>F1</th><th>IoU</th><th>overall</th><th>recall at 5 %</th></tr>");
        foreach (var (name, figures) in rows)
        {
            var cells = Cells(figures.Auc, figures.F1, figures.Iou, figures.Overall, figures.Curve.RecallAt(0.05));
            page.AppendLine(CultureInfo.InvariantCulture, $"<tr><td>{Text(name)}</td><td>{figures.Pictures}</td><td>{figures.Curve.Forged}</td>{cells}</tr>");
        }

        page.AppendLine("</table>");
    }

    private static void AppendCases(StringBuilder page, string title, IReadOnlyList<EvaluatedPicture> pictures, bool isDemonstration)
    {
        page.AppendLine(CultureInfo.InvariantCulture, $"<h2>{Text(title)}</h2>\n<div class=\"cases\">");
        foreach (var picture in pictures)
        {
            var path = Text(PathText.Show(picture.Case.Path));
            var image = CasePicture.Draw(picture, isDemonstration) is { } jpeg
                ? $"<img alt=\"{path}\" src=\"data:image/jpeg;base64,{Convert.ToBase64String(jpeg)}\">"
                : "<p class=\"about\">This program cannot show the picture.</p>";
            var iou = picture.Pixels?.ForgedIou is { } value ? Invariant($", IoU {value:0.000}") : "";
            var beside = picture.Case.Mask is null ? "" : "; at the right the truth";
            page.AppendLine(CultureInfo.InvariantCulture, $"<figure>{image}<figcaption>{path}<br>score {picture.Score:0.000}{iou}{beside}</figcaption></figure>");
        }

        page.AppendLine("</div>");
    }

    private static void AppendFailures(StringBuilder page, IReadOnlyList<EvaluationFailure> failures)
    {
        if (failures.Count == 0)
        {
            return;
        }

        page.AppendLine("<h2>What has no part in the figures</h2>\n<table><tr><th>path</th><th>why</th></tr>");
        foreach (var failure in failures)
        {
            page.AppendLine(CultureInfo.InvariantCulture, $"<tr><td>{Text(failure.Path)}</td><td class=\"text\">{Text(failure.Message)}</td></tr>");
        }

        page.AppendLine("</table>");
    }

    private static string Cells(params double?[] values) => string.Concat(values.Select(static value => $"<td>{EvaluationText.Number(value)}</td>"));

    private static string Text(string text) => Html.Text(text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private const string Style = """
        th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}.mark td{font-weight:600}
        .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}.cases{display:flex;flex-wrap:wrap;gap:1rem}
        .cases figure{max-width:46rem}.cases img{max-width:100%;display:block;border-radius:.3rem}

        """;
}
