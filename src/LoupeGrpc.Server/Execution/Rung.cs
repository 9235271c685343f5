using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Execution;

/// <summary>One configured provider and what became of it. Under the lock of its board.</summary>
internal sealed class Rung(PlannedRung plan)
{
    public PlannedRung Plan => plan;

    public RungState State { get; set; } = RungState.Standby;

    /// <summary>Why, or what it waits for.</summary>
    public string Reason { get; set; } = string.Empty;

    /// <summary>Since when its engines are being built.</summary>
    public DateTimeOffset? PreparingSince { get; set; }

    /// <summary>One for each device, while it is loaded; empty before and after.</summary>
    public IReadOnlyList<RungEngine> Engines { get; set; } = [];

    /// <summary>Sessions on it now.</summary>
    public int Sessions => Engines.Sum(static engine => engine.Sessions);

    /// <summary>Nobody would miss it.</summary>
    public bool IsIdle => Engines.All(static engine => engine is { Sessions: 0, Calls: 0 });

    public RungReport Report(DateTimeOffset now) => new(
        plan.Provider,
        State,
        Reason,
        plan.Precision,
        string.Join(", ", Engines.Select(static engine => engine.Engine.Execution.Device).Where(static device => device.Length > 0)),
        now - PreparingSince,
        Sessions);
}
