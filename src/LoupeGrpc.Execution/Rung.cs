namespace LoupeGrpc.Execution;

/// <summary>
/// One configured provider on its board. What changes of it is the board's, under the board's lock; everybody else reads <see cref="RungReport"/>s.
/// </summary>
internal sealed class Rung(PlannedRung plan)
{
    public PlannedRung Plan => plan;

    public RungState State { get; private set; } = RungState.Standby;

    /// <summary>One for each device, while it is loaded; empty before and after.</summary>
    public IReadOnlyList<RungEngine> Engines { get; set; } = [];

    /// <summary>No session is on it and no call runs.</summary>
    public bool IsIdle => Engines.All(static engine => engine is { Sessions: 0, Calls: 0 });

    /// <summary>Why it is in its state, or what it waits for.</summary>
    private string Reason { get; set; } = string.Empty;

    /// <summary>Since when its engines are being built.</summary>
    private DateTimeOffset? PreparingSince { get; set; }

    public void Change(RungState state, string reason, DateTimeOffset now)
    {
        State = state;
        Reason = reason;
        PreparingSince = state == RungState.Preparing ? PreparingSince ?? now : null;
    }

    public RungReport Report(DateTimeOffset now) => new(
        plan.Provider,
        State,
        Reason,
        plan.Precision,
        string.Join(", ", Engines.Select(static engine => engine.Engine.Execution.Device).Where(static device => device.Length > 0)),
        now - PreparingSince,
        Engines.Sum(static engine => engine.Sessions));
}
