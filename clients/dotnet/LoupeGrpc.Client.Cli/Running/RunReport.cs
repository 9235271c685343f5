using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>What the server said about a run.</summary>
/// <param name="Grant">Null where no session was needed.</param>
/// <param name="Summary">Null where none came: the connection broke, or the run was interrupted.</param>
/// <param name="Origin">The capture time from which the stream's own time counts; null outside streams.</param>
internal sealed record RunReport(SessionGrant? Grant, SessionSummary? Summary, DateTimeOffset? Origin)
{
    /// <summary>The server has ended the session because it does not let us in any more.</summary>
    public bool IsRefused { get; init; }

    /// <summary>What ended the session before its end; null: nothing, or somebody who pressed Ctrl-C.</summary>
    public string? Fault { get; init; }

    /// <summary>The session had verdicts over time.</summary>
    public bool IsJudgedOverTime => Grant?.Temporal?.Enabled == true;
}
