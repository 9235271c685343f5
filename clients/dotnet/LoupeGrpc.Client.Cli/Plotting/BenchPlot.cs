using System.Globalization;
using LoupeGrpc.Client.Cli.Benching;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>Draws latency by percentile: the further right, the rarer. Both axes are logarithmic, the horizontal one in shares of frames that took longer.</summary>
internal static class BenchPlot
{
    private const int Width = 1000;
    private const int Height = 520;
    private const double Rarest = 1e-5;

    private static readonly Color[] LineColors = [Color.FromHex("#1F4E9E"), Color.FromHex("#E08E0B")];
    private static readonly int[] Digits = [1, 2, 5];
    private static readonly double[] Percentiles = [0, 50, 90, 99, 99.9, 99.99];

    /// <param name="runs">One or two, with what each is called.</param>
    /// <param name="svg">SVG instead of PNG.</param>
    /// <returns>The file's bytes.</returns>
    public static byte[] Draw(IReadOnlyList<(string Name, BenchFigures Figures)> runs, bool svg)
    {
        PlotFont.Register();
        using var plot = new Plot();
        foreach (var ((name, figures), color) in runs.Zip(LineColors))
        {
            // All of them is no share that took longer.
            var points = figures.Curve.Where(static point => point[0] < 100 && point[1] > 0).ToList();
            if (points.Count > 0)
            {
                var line = plot.Add.Scatter(points.ConvertAll(static point => AtX(point[0])), points.ConvertAll(static point => Math.Log10(point[1])), color);
                line.LegendText = name;
                line.MarkerSize = points.Count == 1 ? 5 : 0;
                line.LineWidth = 2;
            }
        }

        plot.Axes.Bottom.TickGenerator = new NumericManual([.. Percentiles.Select(AtX)], [.. Percentiles.Select(static percentile => string.Create(CultureInfo.InvariantCulture, $"{percentile} %"))]);
        var times = Times(runs.SelectMany(static run => run.Figures.Curve).Select(static point => point[1]).Where(static time => time > 0).DefaultIfEmpty(1).ToList());
        plot.Axes.Left.TickGenerator = new NumericManual([.. times.Select(Math.Log10)], [.. times.Select(static time => time.ToString("0.######", CultureInfo.InvariantCulture))]);
        plot.Axes.Bottom.Label.Text = "frames that took no longer";
        plot.Axes.Left.Label.Text = "latency (ms)";
        plot.Axes.Margins(left: 0.02, right: 0.02, bottom: 0.1, top: 0.1);
        plot.Axes.Title.Label.Text = "Latency by percentile";
        plot.ShowLegend(Alignment.UpperLeft);
        plot.Font.Set(PlotFont.Name, FontWeight.Normal, FontSlant.Upright, FontSpacing.Normal);
        return svg
            ? System.Text.Encoding.UTF8.GetBytes(plot.GetSvgXml(Width, Height))
            : plot.GetImage(Width, Height).GetImageBytes(ImageFormat.Png);
    }

    /// <summary>1, 2 and 5 of each power of ten, from what is below the least to what is above the most.</summary>
    private static List<double> Times(List<double> values)
    {
        var (low, high) = (values.Min(), values.Max());
        var all = Enumerable.Range((int)Math.Floor(Math.Log10(low)), (int)(Math.Ceiling(Math.Log10(high)) - Math.Floor(Math.Log10(low))) + 1)
            .SelectMany(static power => Digits.Select(digit => digit * Math.Pow(10, power))).ToList();
        var (first, last) = (all.FindLastIndex(time => time <= low), all.FindIndex(time => time >= high));
        return all[Math.Max(first, 0)..((last < 0 ? all.Count - 1 : last) + 1)];
    }

    private static double AtX(double percentile) => -Math.Log10(Math.Max(1 - (percentile / 100), Rarest));
}
