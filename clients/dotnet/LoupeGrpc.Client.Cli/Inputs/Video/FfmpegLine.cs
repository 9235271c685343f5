using System.Globalization;
using System.Text.RegularExpressions;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>
/// A line of ffmpeg's standard error, at `-loglevel repeat+level+info`. Threads of ffmpeg write into each other's lines, so that what a line says
/// may stand anywhere in it.
/// </summary>
internal abstract partial record FfmpegLine
{
    private FfmpegLine()
    {
    }

    public static FfmpegLine? Parse(string text)
    {
        if (ShownFrame().Match(text) is { Success: true } frame)
        {
            return new Frame(
                long.TryParse(frame.Groups["pts"].ValueSpan, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var pts) ? pts : null,
                Number(frame.Groups["width"]),
                Number(frame.Groups["height"]),
                frame.Groups["key"].Value == "1");
        }

        if (Configuration().Match(text) is { Success: true } rates)
        {
            return new Rates(Number(rates.Groups["num"]), Number(rates.Groups["den"]), Number(rates.Groups["rate"]), Number(rates.Groups["per"]));
        }

        if (InputLine().Match(text) is { Success: true } input)
        {
            return new Input(input.Groups["format"].Value);
        }

        if (DurationLine().Match(text) is { Success: true } duration)
        {
            return new Duration(
                (3600.0 * Number(duration.Groups["hours"])) + (60 * Number(duration.Groups["minutes"]))
                + double.Parse(duration.Groups["seconds"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture));
        }

        if (Mapping().Match(text) is { Success: true } mapping)
        {
            var codec = mapping.Groups["codec"].Value;
            return new Decoder(codec, mapping.Groups["decoder"].Value is "native" or "" ? codec : mapping.Groups["decoder"].Value);
        }

        var level = Level().Match(text);
        return level.Success || Concealing().IsMatch(text)
            ? new Message(Speaker().Match(text).Groups["name"].Value, level.Groups["level"].Value is "error" or "fatal" or "panic", Bare(text))
            : null;
    }

    /// <summary>Without the names and addresses of the parts of ffmpeg, and its levels.</summary>
    private static string Bare(string text) => Prefixes().Replace(text, "").Trim();

    private static int Number(Group digits) => int.TryParse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    [GeneratedRegex(@"^\[Parsed_showinfo_\d+ @ \w+\] (?:\[info\] )?n: *\d+ +pts: *(?<pts>-?\d+|NOPTS) .*? s:(?<width>\d+)x(?<height>\d+) .*?iskey:(?<key>[01])")]
    private static partial Regex ShownFrame();

    [GeneratedRegex(@"^\[Parsed_showinfo_\d+ @ \w+\] (?:\[info\] )?config in time_base: (?<num>\d+)/(?<den>\d+), frame_rate: (?<rate>\d+)/(?<per>\d+)")]
    private static partial Regex Configuration();

    [GeneratedRegex(@"^\[info\] Input #0, (?<format>[\w,. -]+), from '")]
    private static partial Regex InputLine();

    [GeneratedRegex(@"^\[info\]   Duration: (?<hours>\d+):(?<minutes>\d\d):(?<seconds>\d\d\.\d\d), ")]
    private static partial Regex DurationLine();

    [GeneratedRegex(@"^\[info\]   Stream #0:\d+ -> #0:0 \((?<codec>\w+) \((?<decoder>[^)]*)\)")]
    private static partial Regex Mapping();

    [GeneratedRegex(@"\[(?<level>warning|error|fatal|panic)\]")]
    private static partial Regex Level();

    [GeneratedRegex(@"^\[(?<name>[^\]@]+) @ ")]
    private static partial Regex Speaker();

    [GeneratedRegex(@"concealing \d+ DC, \d+ AC, \d+ MV errors")]
    private static partial Regex Concealing();

    [GeneratedRegex(@"\[[^\]]* @ \w+\] |\[(?:warning|error|fatal|panic|info)\] ")]
    private static partial Regex Prefixes();

    /// <summary>A frame that was decoded, in the order of showing.</summary>
    /// <param name="Pts">In the time base of <see cref="Rates"/>; null when it has no time.</param>
    public sealed record Frame(long? Pts, int Width, int Height, bool IsKey) : FfmpegLine;

    /// <summary>What the times of the following frames count, and how many frames a second there should be; zeros where that is not known.</summary>
    public sealed record Rates(int TimeBaseNumerator, int TimeBaseDenominator, int FrameRate, int FrameRateDenominator) : FfmpegLine;

    /// <summary>The container, as ffmpeg calls it.</summary>
    public sealed record Input(string Format) : FfmpegLine;

    /// <summary>How long the container says it is.</summary>
    public sealed record Duration(double Seconds) : FfmpegLine;

    /// <summary>What decodes.</summary>
    /// <param name="Codec">E.g. `av1`.</param>
    /// <param name="Name">What its messages begin with, e.g. `libdav1d`.</param>
    public sealed record Decoder(string Codec, string Name) : FfmpegLine;

    /// <summary>A warning, an error, or that errors were concealed.</summary>
    /// <param name="Context">The part of ffmpeg that says so; empty for ffmpeg itself.</param>
    /// <param name="IsError">Not only a warning.</param>
    /// <param name="Text">For people, once addresses are taken out.</param>
    public sealed record Message(string Context, bool IsError, string Text) : FfmpegLine;
}
