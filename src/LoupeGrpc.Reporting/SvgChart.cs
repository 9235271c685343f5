using System.Globalization;
using System.Text;

namespace LoupeGrpc.Reporting;

/// <summary>A small chart as SVG that stands inside a page; colours come from the page's classes.</summary>
/// <param name="title">Said above it, and by readers of pages.</param>
/// <param name="x">The horizontal axis.</param>
/// <param name="y">The vertical one.</param>
/// <param name="width">Of what is between the axes, in units of the chart's own.</param>
/// <param name="height">The same upwards.</param>
internal sealed class SvgChart(string title, SvgAxis x, SvgAxis y, double width = SvgChart.Side, double height = SvgChart.Side)
{
    private const double Side = 220;
    private const double Left = 46;
    private const double Top = 26;

    private readonly StringBuilder _marks = new();

    private double Right => Left + width;

    private double Bottom => Top + height;

    /// <param name="points">Fewer than two draw nothing.</param>
    /// <param name="style">A class of the page.</param>
    public SvgChart Line(IEnumerable<(double X, double Y)> points, string style)
    {
        var path = string.Join(' ', points.Select(point => Invariant($"{AtX(point.X)},{AtY(point.Y)}")));
        _marks.Append(CultureInfo.InvariantCulture, $"""<polyline class="{style}" points="{path}"/>""");
        return this;
    }

    public SvgChart Dot(double atX, double atY, double radius, string style)
    {
        _marks.Append(CultureInfo.InvariantCulture, $"""<circle class="{style}" cx="{AtX(atX)}" cy="{AtY(atY)}" r="{radius:0.#}"/>""");
        return this;
    }

    /// <param name="from">Left edge.</param>
    /// <param name="to">Right edge; at least a hair from the left one.</param>
    /// <param name="top">From the bottom up to there.</param>
    public SvgChart Bar(double from, double to, double top, string style)
    {
        var breadth = Math.Max(1, (x.Place(to) - x.Place(from)) * width);
        _marks.Append(CultureInfo.InvariantCulture, $"""<rect class="{style}" x="{AtX(from)}" y="{AtY(top)}" width="{breadth:0.##}" height="{y.Place(top) * height:0.##}"/>""");
        return this;
    }

    /// <summary>A word inside it.</summary>
    /// <param name="isBelow">It hangs from there, instead of standing on it.</param>
    public SvgChart Word(double atX, double atY, string text, bool isBelow = false)
    {
        _marks.Append(CultureInfo.InvariantCulture, $"""<text class="tick" x="{AtX(atX)}" y="{AtY(atY)}" dx="3" dy="{(isBelow ? 11 : -3)}">{Html.Text(text)}</text>""");
        return this;
    }

    public string ToSvg()
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg viewBox="0 0 {Right + 14} {Bottom + 40}" role="img" aria-label="{Html.Text(title)}">""");
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="title" x="{Left}" y="14">{Html.Text(title)}</text>""");
        foreach (var tick in x.Ticks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"""<line class="grid" x1="{AtX(tick)}" y1="{Bottom}" x2="{AtX(tick)}" y2="{Top}"/>""");
            svg.Append(CultureInfo.InvariantCulture, $"""<text class="tick" x="{AtX(tick)}" y="{Bottom + 14:0.#}" text-anchor="middle">{tick:0.####}</text>""");
        }

        foreach (var tick in y.Ticks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"""<line class="grid" x1="{Left}" y1="{AtY(tick)}" x2="{Right}" y2="{AtY(tick)}"/>""");
            svg.Append(CultureInfo.InvariantCulture, $"""<text class="tick" x="{Left - 6:0.#}" y="{Top + ((1 - y.Place(tick)) * height) + 4:0.#}" text-anchor="end">{tick:0.####}</text>""");
        }

        svg.Append(_marks);
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="axis" x="{Left + (width / 2):0.#}" y="{Bottom + 32:0.#}" text-anchor="middle">{Html.Text(x.Label)}</text>""");
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="axis" transform="translate(12 {Top + (height / 2):0.#}) rotate(-90)" text-anchor="middle">{Html.Text(y.Label)}</text></svg>""");
        return svg.ToString();
    }

    private string AtX(double value) => Invariant($"{Left + (x.Place(value) * width):0.##}");

    private string AtY(double value) => Invariant($"{Top + ((1 - y.Place(value)) * height):0.##}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
