using System.Reflection;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>What is known of a run at its end.</summary>
internal sealed record ReportFacts
{
    /// <summary>`analyze` or `stream`.</summary>
    public required string Command { get; init; }

    /// <summary>The stream's source without credentials; null for pictures.</summary>
    public required string? Source { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Ended { get; init; }

    /// <summary>Where the server was, without credentials.</summary>
    public required string Server { get; init; }

    /// <summary>What was asked for.</summary>
    public required IReadOnlyList<OptionInForce> Options { get; init; }

    public required RunTally Tally { get; init; }

    /// <summary>What the server said.</summary>
    public required RunReport Run { get; init; }

    /// <summary>How the program ends, where that is known; the report itself is written by then.</summary>
    public required ExitCode? ExitCode { get; init; }

    /// <summary>What ended the run early; null: nothing did.</summary>
    public string? Fault { get; init; }

    /// <summary>What was there and was not analysed; null: nothing.</summary>
    public string? Remark { get; init; }

    /// <summary>Of a stream.</summary>
    public StreamCurves? Curves { get; init; }

    private static string Program { get; } =
        $"loupe-grpc-client {typeof(ReportFacts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}";

    /// <summary>As every report has it.</summary>
    /// <param name="events">What the server told.</param>
    public ReportAbout About(IReadOnlyList<SessionEvent> events) => new()
    {
        Source = Source,
        Started = Started,
        Ended = Ended,
        Server = Server,
        Program = Program,
        OptionsCaption = $"Options of <code>loupe-grpc-client {Html.Text(Command)}</code> in force",
        Options = [.. Options.Select(static option => new ReportOption(option.Name, option.Value, option.IsGiven))],
        Tally = new ReportTally(Tally.Manipulated, Tally.Uncertain, Tally.Authentic, Tally.Failed, Tally.Dropped + Tally.Expired, Tally.Skipped),
        Grant = Run.Grant,
        Conclusion = ExitCode is { } code ? $"Exit code {(int)code}: {Outcome(code)}" : null,
        Fault = Fault,
        IsInterrupted = ExitCode == Hosting.ExitCode.Interrupted,
        Remark = Remark,
        Timeline = Curves is null ? "" : ReportTimeline.Write(this, events),
    };

    private string Outcome(ExitCode code) => code switch
    {
        Hosting.ExitCode.NothingFound => "all of it was analysed, and nothing is MANIPULATED.",
        Hosting.ExitCode.Manipulated => "all of it was analysed, and something is MANIPULATED.",
        Hosting.ExitCode.SomeFailed when Tally.Total == 0 => "there was nothing to analyse.",
        Hosting.ExitCode.SomeFailed when Tally.NotAnalysed == 0 => "all of it was analysed, but something could not be written.",
        Hosting.ExitCode.SomeFailed => FormattableString.Invariant($"{Tally.NotAnalysed} of {Tally.Total} {(Source is null ? "pictures" : "frames")} could not be analysed, and nothing is known about them."),
        Hosting.ExitCode.Refused => "the server did not let us go on.",
        Hosting.ExitCode.Interrupted => "the run was interrupted.",
        _ => "the run failed.",
    };
}
