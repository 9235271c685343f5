using ScottPlot;
using SkiaSharp;

namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>Draws the curves of a stream one below the other over one axis: score, mask area, and where the session adapts loss and drift.</summary>
internal static class StreamPlot
{
    private const int Width = 1200;
    private const int PanelHeight = 220;

    /// <summary>Lines of few frames need dots to be seen.</summary>
    private const int MaxDots = 200;

    private static readonly Color ScoreColor = Color.FromHex("#1F4E9E");
    private static readonly Color MaskColor = Color.FromHex("#C0392B");
    private static readonly Color BaseColor = Color.FromHex("#7F8C8D");
    private static readonly Color DisagreementColor = Color.FromHex("#E08E0B");
    private static readonly Color LossColor = Color.FromHex("#6C3483");
    private static readonly Color DriftColor = Color.FromHex("#1E8449");

    /// <param name="curves">At least one point.</param>
    /// <param name="title">For people.</param>
    /// <param name="svg">SVG instead of PNG.</param>
    /// <returns>The file's bytes.</returns>
    public static byte[] Draw(StreamCurves curves, string title, bool svg)
    {
        PlotFont.Register();
        var points = curves.Points();
        List<Plot> panels = [Score(points), MaskArea(points)];
        if (points.Any(point => point.Drift is not null))
        {
            panels.Add(Panel("loss", points, new Curve("loss of the last step", LossColor, point => point.Loss)));
            panels.Add(Panel("drift", points, new Curve("parameter drift", DriftColor, point => point.Drift)));
        }

        foreach (var panel in panels)
        {
            panel.Axes.Left.MinimumSize = panel.Axes.Left.MaximumSize = 70;
            panel.Axes.Right.MinimumSize = 20;
            // Room for the legend above the curves.
            panel.Axes.Margins(left: 0.01, right: 0.01, bottom: 0.1, top: 0.35);
            foreach (var (x, label) in curves.Marks())
            {
                AddMark(panel, x, panel == panels[0] ? label : "");
            }

            panel.ShowLegend(Alignment.UpperRight, Orientation.Horizontal);
            panel.Legend.BackgroundColor = Colors.White.WithAlpha(0.7);
            panel.Legend.OutlineWidth = 0;
            panel.Legend.ShadowColor = Colors.Transparent;
        }

        panels[0].Axes.SetLimitsY(-0.05, 1.4);
        panels[0].Axes.Title.Label.Text = title;
        panels[^1].Axes.Bottom.Label.Text = curves.ByTime ? "time (s)" : "frame";
        panels.ForEach(panel => panel.Font.Set(PlotFont.Name, FontWeight.Normal, FontSlant.Upright, FontSpacing.Normal));
        return Render(panels, svg);
    }

    private static Plot Score(IReadOnlyList<CurvePoint> points)
    {
        var plot = Panel("score", points, new Curve("score", ScoreColor, point => point.Score));
        if (points[^1].Thresholds is { } thresholds)
        {
            AddThreshold(plot, thresholds.Low, "authentic below");
            AddThreshold(plot, thresholds.High, "manipulated from");
        }

        return plot;
    }

    private static Plot MaskArea(IReadOnlyList<CurvePoint> points)
    {
        Curve area = new("mask area", MaskColor, point => point.MaskArea);
        return points.Any(point => point.BaseArea is not null)
            ? Panel(
                "mask area (%)",
                points,
                area,
                new Curve("without adaptation", BaseColor, point => point.BaseArea),
                new Curve("disagreement", DisagreementColor, point => point.Disagreement))
            : Panel("mask area (%)", points, area);
    }

    private static Plot Panel(string axis, IReadOnlyList<CurvePoint> points, params ReadOnlySpan<Curve> curves)
    {
        var plot = new Plot();
        plot.Axes.Left.Label.Text = axis;
        foreach (var curve in curves)
        {
            var shown = points.Where(point => curve.Value(point) is { } value && double.IsFinite(value)).ToList();
            if (shown.Count == 0)
            {
                continue;
            }

            var line = plot.Add.Scatter(shown.ConvertAll(point => point.X), shown.ConvertAll(point => curve.Value(point)!.Value), curve.Color);
            line.LegendText = curve.Name;
            line.LineWidth = 1.5f;
            line.MarkerSize = shown.Count <= MaxDots ? 4 : 0;
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
    private sealed record Curve(string Name, Color Color, Func<CurvePoint, double?> Value);
}
