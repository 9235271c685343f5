using System.Globalization;
using System.Net;
using System.Text;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>A small chart of two shares, 0 to 1 each, as SVG that stands inside a page; colours come from the page's classes.</summary>
/// <param name="title">Said above it, and by readers of pages.</param>
/// <param name="x">What the horizontal axis is.</param>
/// <param name="y">What the vertical one is.</param>
internal sealed class SvgChart(string title, string x, string y)
{
    private const double Side = 220;
    private const double Left = 46;
    private const double Top = 26;
    private const double Width = Left + Side + 14;
    private const double Height = Top + Side + 40;
    private const int Ticks = 5;

    private readonly StringBuilder _marks = new();

    /// <param name="points">0 to 1 each; fewer than two draw nothing.</param>
    /// <param name="style">A class of the page.</param>
    public SvgChart Line(IEnumerable<(double X, double Y)> points, string style)
    {
        var path = string.Join(' ', points.Select(static point => Invariant($"{AtX(point.X)},{AtY(point.Y)}")));
        _marks.Append(CultureInfo.InvariantCulture, $"""<polyline class="{style}" points="{path}"/>""");
        return this;
    }

    public SvgChart Dot(double x, double y, double radius, string style)
    {
        _marks.Append(CultureInfo.InvariantCulture, $"""<circle class="{style}" cx="{AtX(x)}" cy="{AtY(y)}" r="{radius:0.#}"/>""");
        return this;
    }

    /// <param name="from">Left edge, 0 to 1.</param>
    /// <param name="to">Right edge.</param>
    /// <param name="height">0 to 1.</param>
    public SvgChart Bar(double from, double to, double height, string style)
    {
        _marks.Append(CultureInfo.InvariantCulture, $"""<rect class="{style}" x="{AtX(from)}" y="{AtY(height)}" width="{(to - from) * Side:0.##}" height="{height * Side:0.##}"/>""");
        return this;
    }

    public string ToSvg()
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{WebUtility.HtmlEncode(title)}">""");
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="title" x="{Left}" y="14">{WebUtility.HtmlEncode(title)}</text>""");
        for (var tick = 0; tick <= Ticks; tick++)
        {
            var value = (double)tick / Ticks;
            svg.Append(CultureInfo.InvariantCulture, $"""<line class="grid" x1="{AtX(value)}" y1="{AtY(0)}" x2="{AtX(value)}" y2="{AtY(1)}"/><line class="grid" x1="{AtX(0)}" y1="{AtY(value)}" x2="{AtX(1)}" y2="{AtY(value)}"/>""");
            svg.Append(CultureInfo.InvariantCulture, $"""<text class="tick" x="{AtX(value)}" y="{Top + Side + 14:0.#}" text-anchor="middle">{value:0.#}</text><text class="tick" x="{Left - 6:0.#}" y="{Top + ((1 - value) * Side) + 4:0.#}" text-anchor="end">{value:0.#}</text>""");
        }

        svg.Append(_marks);
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="axis" x="{Left + (Side / 2):0.#}" y="{Top + Side + 32:0.#}" text-anchor="middle">{WebUtility.HtmlEncode(x)}</text>""");
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="axis" transform="translate(12 {Top + (Side / 2):0.#}) rotate(-90)" text-anchor="middle">{WebUtility.HtmlEncode(y)}</text></svg>""");
        return svg.ToString();
    }

    private static string AtX(double value) => Invariant($"{Left + (Math.Clamp(value, 0, 1) * Side):0.##}");

    private static string AtY(double value) => Invariant($"{Top + ((1 - Math.Clamp(value, 0, 1)) * Side):0.##}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
