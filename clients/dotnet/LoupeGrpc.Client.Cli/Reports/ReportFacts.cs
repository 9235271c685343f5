using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Running;

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
}
