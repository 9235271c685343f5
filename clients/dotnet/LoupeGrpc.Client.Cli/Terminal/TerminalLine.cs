using Spectre.Console;
using Spectre.Console.Rendering;

namespace LoupeGrpc.Client.Cli.Terminal;

/// <summary>
/// A line above a progress bar. What the bar has drawn is erased first, else its end stays behind the shorter line; and the line is left to the terminal to
/// wrap, so that a path can be copied whole.
/// </summary>
/// <param name="terminal">Where it is written.</param>
/// <param name="styled">The beginning, in a style of its own.</param>
/// <param name="style">Of the beginning.</param>
/// <param name="rest">Everything else.</param>
internal sealed class TerminalLine(IAnsiConsole terminal, string styled, Style style, string rest) : IRenderable
{
    private const string EraseBelow = "\e[J";

    /// <summary>Thread-safe.</summary>
    public static void Write(IAnsiConsole terminal, string text) => terminal.Write(new TerminalLine(terminal, "", Style.Plain, text));

    /// <inheritdoc cref="Write(IAnsiConsole, string)"/>
    public static void Write(IAnsiConsole terminal, string styled, Style style, string rest) => terminal.Write(new TerminalLine(terminal, styled, style, rest));

    public Measurement Measure(RenderOptions options, int maxWidth) => new(0, maxWidth);

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        if (terminal.Profile.Capabilities.Ansi)
        {
            yield return Segment.Control(EraseBelow);
        }

        yield return new Segment(styled, style);
        yield return new Segment(rest);
        yield return Segment.LineBreak;
    }
}
