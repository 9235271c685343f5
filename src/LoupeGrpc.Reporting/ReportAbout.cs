using LoupeGrpc.V1;

namespace LoupeGrpc.Reporting;

/// <summary>What is known at the end of that of which a report is, whoever writes it.</summary>
internal sealed record ReportAbout
{
    /// <summary>The stream's source without credentials; null for pictures.</summary>
    public required string? Source { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Ended { get; init; }

    /// <summary>Where the server was, without credentials.</summary>
    public required string Server { get; init; }

    /// <summary>What writes the report, with its version.</summary>
    public required string Program { get; init; }

    /// <summary>What <see cref="Options"/> are, as HTML.</summary>
    public required string OptionsCaption { get; init; }

    /// <summary>What was asked for.</summary>
    public required IReadOnlyList<ReportOption> Options { get; init; }

    public required ReportTally Tally { get; init; }

    /// <summary>What analysed, and how; null where nothing needed to.</summary>
    public required SessionGrant? Grant { get; init; }

    /// <summary>What came of it, in a line; null: nothing is to be added.</summary>
    public string? Conclusion { get; init; }

    /// <summary>What ended it early; null: nothing did.</summary>
    public string? Fault { get; init; }

    /// <summary>Somebody ended it early.</summary>
    public bool IsInterrupted { get; init; }

    /// <summary>What was there and was not analysed; null: nothing.</summary>
    public string? Remark { get; init; }

    /// <summary>Of a stream, as HTML; empty: there is none.</summary>
    public string Timeline { get; init; } = "";

    public bool IsStream => Source is not null;
}

/// <summary>How many of what.</summary>
/// <param name="LeftOut">Dropped or expired.</param>
/// <param name="Skipped">Analysed by an earlier run.</param>
internal sealed record ReportTally(long Manipulated, long Uncertain, long Authentic, long Failed, long LeftOut = 0, long Skipped = 0)
{
    public long Total => Manipulated + Uncertain + Authentic + Failed + LeftOut + Skipped;
}

/// <param name="Value">Without what is secret.</param>
/// <param name="IsGiven">Somebody asked for it; else it is the default.</param>
internal sealed record ReportOption(string Name, string Value, bool IsGiven);
