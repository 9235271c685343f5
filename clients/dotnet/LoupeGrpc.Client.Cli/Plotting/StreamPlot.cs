using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>Draws the curves of a stream one below the other over one axis: score, mask area, and where the session adapts loss and drift.</summary>
internal static class StreamPlot
{
    private const int Width = 1200;
    private const int PanelHeight = 220;
    private const int LegendHeight = 26;

    /// <summary>Lines of few frames need dots to be seen.</summary>
    private const int MaxDots = 200;

    /// <summary>A loss that falls further than so many times is drawn over its logarithm: beside the first peak the rest would be a flat line.</summary>
    private const double LogarithmicFrom = 20;

    private static readonly Color ScoreColor = Color.FromHex("#1F4E9E");
    private static readonly Color OverTimeColor = Color.FromHex("#17A2A2");
    private static readonly Color SpanColor = Color.FromHex("#C0392B").WithAlpha(0.15);
    private static readonly Color MaskColor = Color.FromHex("#C0392B");
    private static readonly Color BaseColor = Color.FromHex("#7F8C8D");
    private static readonly Color DisagreementColor = Color.FromHex("#E08E0B");
    private static readonly Color LossColor = Color.FromHex("#6C3483");
    private static readonly Color DriftColor = Color.FromHex("#1E8449");

    /// <param name="curves">At least one point.</param>
    /// <param name="title">For people.</param>
    /// <param name="svg">SVG instead of PNG.</param>
    /// <param name="isDemonstration">A demonstration model gave the results, which the picture says.</param>
    /// <param name="spans">Stretches of the axis that are manipulated over time.</param>
    /// <returns>The file's bytes.</returns>
    public static byte[] Draw(StreamCurves curves, string title, bool svg, bool isDemonstration = false, IReadOnlyList<(double From, double To)>? spans = null)
    {
        PlotFont.Register();
        var points = curves.Points();
        List<Plot> panels = [Score(points, spans ?? []), MaskArea(points)];
        if (points.Any(point => point.Drift is not null))
        {
            panels.Add(Loss(points));
            panels.Add(Panel("drift", points, new Curve("parameter drift", DriftColor, point => point.Drift)));
        }

        foreach (var panel in panels)
        {
            panel.Axes.Left.MinimumSize = panel.Axes.Left.MaximumSize = 70;
            panel.Axes.Right.MinimumSize = 20;
            panel.Axes.Margins(left: 0.01, right: 0.01, bottom: 0.1, top: 0.1);
            foreach (var (x, label) in curves.Marks())
            {
                AddMark(panel, x, panel == panels[0] ? label : "");
            }

            // Above the curves, not over them.
            var legend = panel.ShowLegend(Edge.Top);
            legend.Alignment = Alignment.LowerRight;
            legend.Padding = new PixelPadding(0, 0, 0, 2);
            legend.MinimumSize = legend.MaximumSize = LegendHeight;
            panel.Legend.Orientation = Orientation.Horizontal;
            panel.Legend.OutlineWidth = 0;
            panel.Legend.Padding = new PixelPadding(0);
            panel.Legend.BackgroundColor = Colors.Transparent;
            panel.Legend.ShadowColor = Colors.Transparent;
        }

        // With room for half a dot.
        panels[0].Axes.SetLimitsY(-0.03, 1.03);
        panels[0].Axes.Title.Label.Text = title;
        if (isDemonstration)
        {
            var note = panels[0].Add.Annotation("demonstration model", Alignment.UpperLeft);
            note.LabelFontName = PlotFont.Name;
            note.LabelShadowColor = Colors.Transparent;
            note.LabelBorderColor = Colors.Transparent;
            note.LabelBackgroundColor = Colors.White.WithAlpha(0.7);
        }

        panels[^1].Axes.Bottom.Label.Text = curves.ByTime ? "time (s)" : "frame";
        panels.ForEach(panel => panel.Font.Set(PlotFont.Name, FontWeight.Normal, FontSlant.Upright, FontSpacing.Normal));
        return Render(panels, svg);
    }

    private static Plot Score(IReadOnlyList<CurvePoint> points, IReadOnlyList<(double From, double To)> spans)
    {
        Curve score = new("score", ScoreColor, point => point.Score);
        var plot = points.Any(point => point.OverTime is not null)
            ? Panel("score", points, score, new Curve("over time", OverTimeColor, point => point.OverTime))
            : Panel("score", points, score);
        foreach (var (from, to) in spans)
        {
            var span = plot.Add.HorizontalSpan(from, to, SpanColor);
            span.LineStyle.Width = 1;
            span.LineStyle.Color = SpanColor;
            span.LegendText = (from, to) == spans[0] ? "manipulated over time" : "";
        }

        if (points[^1].Thresholds is { } thresholds)
        {
            AddThreshold(plot, thresholds.Low, "authentic below");
            AddThreshold(plot, thresholds.High, "manipulated from");
        }

        return plot;
    }

    private static Plot MaskArea(IReadOnlyList<CurvePoint> points)
    {
        Curve area = new("mask area", MaskColor, point => point.MaskArea, HasGaps: true);
        return points.Any(point => point.BaseArea is not null)
            ? Panel(
                "mask area (%)",
                points,
                area,
                new Curve("without adaptation", BaseColor, point => point.BaseArea),
                new Curve("disagreement", DisagreementColor, point => point.Disagreement))
            : Panel("mask area (%)", points, area);
    }

    private static Plot Loss(IReadOnlyList<CurvePoint> points)
    {
        var losses = points.Select(point => point.Loss).OfType<double>().Where(loss => loss > 0 && double.IsFinite(loss)).ToList();
        if (losses.Count == 0 || losses.Max() < LogarithmicFrom * losses.Min())
        {
            return Panel("loss", points, new Curve("loss of the last step", LossColor, point => point.Loss));
        }

        var plot = Panel("loss", points, new Curve("loss of the last step", LossColor, point => point.Loss is > 0 and var loss ? Math.Log10(loss) : null));
        plot.Axes.Left.TickGenerator = new NumericAutomatic
        {
            MinorTickGenerator = new LogMinorTickGenerator(),
            IntegerTicksOnly = true,
            LabelFormatter = exponent => Math.Pow(10, exponent).ToString("0.######", CultureInfo.InvariantCulture),
        };
        return plot;
    }

    private static Plot Panel(string axis, IReadOnlyList<CurvePoint> points, params ReadOnlySpan<Curve> curves)
    {
        var plot = new Plot();
        plot.Axes.Left.Label.Text = axis;
        foreach (var curve in curves)
        {
            var stretches = curve.Stretches(points);
            var dots = stretches.Sum(stretch => stretch.Count) <= MaxDots;
            foreach (var stretch in stretches)
            {
                var line = plot.Add.Scatter(stretch.ConvertAll(point => point.X), stretch.ConvertAll(point => curve.Value(point)!.Value), curve.Color);
                line.LegendText = stretch == stretches[0] ? curve.Name : "";
                line.LineWidth = 1.5f;
                // A line of one point is none.
                line.MarkerSize = dots || stretch.Count == 1 ? 4 : 0;
            }
        }

        return plot;
    }

    private static void AddThreshold(Plot plot, double score, string label)
    {
        var line = plot.Add.HorizontalLine(score, 1, BaseColor, LinePattern.Dotted);
        line.LegendText = FormattableString.Invariant($"{label} {score:0.##}");
    }

    private static void AddMark(Plot plot, double x, string label)
    {
        var line = plot.Add.VerticalLine(x, 1, Colors.Black.WithAlpha(0.6), LinePattern.Dashed);
        if (label.Length > 0)
        {
            var text = plot.Add.Text(label, x, 0.02);
            text.LabelFontSize = 11;
            text.LabelFontColor = Colors.Black;
            text.LabelRotation = -90;
            text.LabelAlignment = Alignment.LowerLeft;
        }

        line.ExcludeFromLegend = true;
    }

    private static byte[] Render(List<Plot> panels, bool svg)
    {
        var size = new SKSizeI(Width, PanelHeight * panels.Count);
        var multiplot = new Multiplot();
        multiplot.Reset(panels[0]);
        panels.Skip(1).ToList().ForEach(multiplot.AddPlot);
        multiplot.SharedAxes.ShareX(panels);
        if (!svg)
        {
            return multiplot.Render(size.Width, size.Height).GetImageBytes(ImageFormat.Png);
        }

        using var stream = new MemoryStream();
        using (var canvas = SKSvgCanvas.Create(SKRect.Create(size), stream))
        {
            canvas.Clear(SKColors.White);
            multiplot.Render(canvas, new PixelRect(0, size.Width, size.Height, 0));
        }

        return stream.ToArray();
    }

    /// <summary>One line of a panel.</summary>
    /// <param name="HasGaps">Points without a value interrupt it; else they were not measured, and the line goes on to the next.</param>
    private sealed record Curve(string Name, Color Color, Func<CurvePoint, double?> Value, bool HasGaps = false)
    {
        /// <inheritdoc cref="CurveStretches.Of"/>
        public List<List<CurvePoint>> Stretches(IReadOnlyList<CurvePoint> points) => CurveStretches.Of(points, Value, HasGaps);
    }
}
