using System.Globalization;
using LoupeGrpc.Client.Cli.Terminal;
using LoupeGrpc.V1;
using Spectre.Console;

namespace LoupeGrpc.Client.Cli.Output;

/// <summary>
/// Columns for people, a line as soon as its outcome is there: streams may have no end. The path comes last because its width is not known.
/// </summary>
internal sealed class TableWriter : IOutcomeSink
{
    private readonly TextWriter _output;
    private readonly IAnsiConsole? _terminal;
    private readonly bool _withTime;
    private bool _hasHeader;

    /// <param name="output">Where lines go when there is no terminal.</param>
    /// <param name="terminal">Shows the lines in colour, above a progress bar if it has one.</param>
    /// <param name="withTime">A column for the time in the stream.</param>
    public TableWriter(TextWriter output, IAnsiConsole? terminal, bool withTime)
    {
        _output = output;
        _terminal = terminal;
        _withTime = withTime;
    }

    public void Write(OutcomeRow row)
    {
        if (!_hasHeader)
        {
            _hasHeader = true;
            Write("VERDICT", $"{(_withTime ? "     TIME  " : "")} SCORE   FORGED  REGIONS       MS     WAIT  PATH", "bold");
        }

        var time = _withTime ? Time(row.Item.TimeSeconds) : "";
        var path = Printable.Text(PathText.Show(row.Item.Path));
        switch (row.Outcome)
        {
            case LoupeResult result:
                Write(WireName.Of(result.Result.Verdict), $"{time}{Columns(result.Result)}  {path}{Notes(result.Result)}{Credentials(result.Result)}{Dual(result.Result)}{Temporal(result.Result)}", Style(result.Result.Verdict));
                foreach (var sentence in result.Result.Explanation)
                {
                    Write("", Printable.Text(sentence.Text), "default");
                }

                break;
            case LoupeFailed failed:
                Write("FAILED", $"{time}{Blank}  {path}: {WireName.Of(failed.Code)}, {Printable.Text(failed.Message)}", "magenta");
                break;
            case LoupeDropped dropped:
                Write("DROPPED", $"{time}{Blank}  {path}: {WireName.Of(dropped.Reason)} after {Milliseconds(dropped.Age)} ms", "grey");
                break;
            case LoupeExpired expired:
                Write("EXPIRED", $"{time}{Blank}  {path}: after {Milliseconds(expired.Age)} ms", "grey");
                break;
        }
    }

    public static string Style(Verdict verdict) => verdict switch
    {
        Verdict.Manipulated => "red",
        Verdict.Uncertain => "yellow",
        Verdict.Authentic => "green",
        _ => "default",
    };

    private static string Time(double? seconds) =>
        seconds is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value,7:0.00} s  ") : new string(' ', 11);

    private static string Blank { get; } = new(' ', 42);

    private static string Columns(FrameResult result)
    {
        var pixels = (double)result.Width * result.Height;
        var forged = result.Mask is { } mask && pixels > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * mask.Area / pixels:0.0} %")
            : "-";
        var regions = result.Mask is null && result.MaskOmission != MaskOmission.Budget ? "-" : result.Regions.Count.ToString(CultureInfo.InvariantCulture);
        var timings = result.Timings ?? new StageTimings();
        var own = OwnTime(timings);
        var wait = Math.Max(0, timings.TotalMs - own);
        return string.Create(CultureInfo.InvariantCulture, $"{result.Score:0.0000}  {forged,7}  {regions,7}  {own,7:0.0}  {wait,7:0.0}");
    }

    /// <summary>What was spent on the frame itself. The rest of the total it waited for others, in the session and between stages.</summary>
    private static float OwnTime(StageTimings timings) =>
        timings.DecodeMs + timings.PreprocessMs + timings.EncodeMs + timings.SegmentMs + timings.MaskMs + timings.AdaptMs + timings.DualMs;

    private static string Notes(FrameResult result) =>
        result.Notes.Count == 0 ? "" : $"  [{string.Join(' ', result.Notes.Select(note => WireName.Of(note.Code)))}]";

    private static string Credentials(FrameResult result) =>
        result.Provenance?.ContentCredentials is { } credentials ? $"  [credentials: {CredentialsWords.Sum(credentials)}]" : "";

    private static string Dual(FrameResult result) => result.BaseMask is null
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"  [masks differ on {100 * result.MaskDisagreement:0.0} %]");

    private static string Temporal(FrameResult result) => result.Temporal is { } temporal
        ? string.Create(CultureInfo.InvariantCulture, $"  [over time {WireName.Of(temporal.Verdict)} {temporal.Score:0.0000}]")
        : "";

    private static string Milliseconds(TimeSpan age) => age.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture);

    private void Write(string first, string rest, string style)
    {
        if (_terminal is null)
        {
            _output.WriteLine($"{first,-11}  {rest}");
            _output.Flush();
        }
        else
        {
            TerminalLine.Write(_terminal, $"{first,-11}", Spectre.Console.Style.Parse(style), $"  {rest}");
        }
    }
}
