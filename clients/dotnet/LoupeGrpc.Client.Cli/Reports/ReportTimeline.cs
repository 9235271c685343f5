using System.Globalization;
using System.Text;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>What a stream was over its time: curves one below the other, manipulated stretches behind them, and what happened.</summary>
internal static class ReportTimeline
{
    private const double Width = 860;
    private const double Height = 110;
    private const int Ticks = 10;

    /// <summary>A screen has no more columns; of the points in one the least and the greatest are drawn.</summary>
    private const int Columns = 600;

    /// <summary>Lines of few frames need dots to be seen.</summary>
    private const int MaxDots = 120;

    /// <param name="facts">With curves.</param>
    /// <param name="events">What the server told, at most so many as are kept.</param>
    public static string Write(ReportFacts facts, IReadOnlyList<SessionEvent> events)
    {
        var page = new StringBuilder("<h2 id=\"timeline\">Timeline</h2>\n");
        var points = facts.Curves!.Points();
        if (points.Count == 0)
        {
            page.Append("<p>No frame was analysed.</p>\n");
        }
        else
        {
            AppendCharts(page, facts, points);
        }

        AppendSegments(page, facts.Run);
        if (events.Count > 0)
        {
            page.Append("<h3>Events</h3>\n<ul>");
            foreach (var happened in events)
            {
                page.Append(CultureInfo.InvariantCulture, $"<li>from frame {happened.Sequence} on: <b>{WireName.Of(happened.Kind)}</b> {Html.Text(happened.Message)}</li>\n");
            }

            page.Append("</ul>\n");
        }

        return page.ToString();
    }

    private static void AppendCharts(StringBuilder page, ReportFacts facts, IReadOnlyList<CurvePoint> points)
    {
        var axis = SvgAxis.Of(facts.Curves!.ByTime ? "time (s)" : "frame", points[0].X, points[^1].X, Ticks);
        var isJudgedOverTime = points.Any(static point => point.OverTime is not null);
        var score = new SvgChart(isJudgedOverTime ? "Score, and score over time (thin line)" : "Score", axis, SvgAxis.OfShares("", parts: 2), Width, Height);
        var charts = new List<SvgChart> { score };
        foreach (var (from, to) in facts.Curves.Spans(Stretch.Of(facts.Run)))
        {
            score.Bar(from, to, 1, "segment");
        }

        if (points[^1].Thresholds is { } thresholds)
        {
            score.Line([(axis.From, thresholds.Low), (axis.To, thresholds.Low)], "chance").Line([(axis.From, thresholds.High), (axis.To, thresholds.High)], "chance");
            score.Word(axis.From, thresholds.Low, Invariant($"authentic below {thresholds.Low:0.##}"), isBelow: true).Word(axis.From, thresholds.High, Invariant($"manipulated from {thresholds.High:0.##}"));
        }

        Draw(score, points, static point => point.Score, hasGaps: false, "curve");
        if (isJudgedOverTime)
        {
            Draw(score, points, static point => point.OverTime, hasGaps: false, "overtime", hasDots: false);
        }

        Add("Marked area (% of the picture)", static point => point.MaskArea, hasGaps: true, least: 1);
        if (points.Any(static point => point.Drift is not null))
        {
            Add("Drift of the adaptation", static point => point.Drift, hasGaps: false, least: 1e-6);
            Add("Loss of the adaptation's steps", static point => point.Loss, hasGaps: false, least: 1e-6);
        }

        foreach (var chart in charts)
        {
            foreach (var (x, label) in facts.Curves.Marks())
            {
                chart.Line([(x, double.NegativeInfinity), (x, double.PositiveInfinity)], "event");
                if (chart == score)
                {
                    chart.Word(x, double.NegativeInfinity, label);
                }
            }

            page.Append(CultureInfo.InvariantCulture, $"<div class=\"wide timeline\" tabindex=\"0\">{chart.ToSvg()}</div>\n");
        }

        void Add(string title, Func<CurvePoint, double?> value, bool hasGaps, double least)
        {
            var most = points.Select(value).OfType<double>().Where(double.IsFinite).DefaultIfEmpty(0).Max();
            var chart = new SvgChart(title, axis, SvgAxis.UpTo("", Math.Max(most, least), 3), Width, Height);
            Draw(chart, points, value, hasGaps, "curve");
            charts.Add(chart);
        }
    }

    private static void Draw(SvgChart chart, IReadOnlyList<CurvePoint> points, Func<CurvePoint, double?> value, bool hasGaps, string style, bool hasDots = true)
    {
        var stretches = CurveStretches.Of(points, value, hasGaps);
        var withDots = hasDots && stretches.Sum(static stretch => stretch.Count) <= MaxDots;
        foreach (var stretch in stretches)
        {
            var drawn = Thin(stretch, point => value(point)!.Value).Select(point => (point.X, value(point)!.Value)).ToList();
            chart.Line(drawn, style);
            // A line of one point is none.
            foreach (var (x, y) in withDots || (hasDots && drawn.Count == 1) ? drawn : [])
            {
                chart.Dot(x, y, 2.5, "best");
            }
        }
    }

    /// <summary>As many points as can be told from each other, with every peak among them.</summary>
    private static IEnumerable<CurvePoint> Thin(List<CurvePoint> points, Func<CurvePoint, double> value)
    {
        if (points.Count <= 2 * Columns)
        {
            return points;
        }

        return points.Chunk((points.Count + Columns - 1) / Columns).SelectMany(column =>
        {
            var (least, most) = (column.MinBy(value)!, column.MaxBy(value)!);
            return least.X <= most.X ? new[] { least, most } : [most, least];
        });
    }

    private static void AppendSegments(StringBuilder page, RunReport run)
    {
        if (run.Summary is null || (run.Origin is null && !run.IsJudgedOverTime))
        {
            page.Append("<p class=\"about\">The server's summary of the stream did not come: manipulated stretches are not listed.</p>\n");
            return;
        }

        var segments = RunSummary.Segments(run).ToList();
        page.Append(segments.Count > 0
            ? $"<ul>{string.Concat(segments.Select(static line => $"<li>{Html.Text(line)}</li>"))}</ul>\n"
            : "<p>No stretch of it is manipulated.</p>\n");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
