using LoupeGrpc.Engine;
using LoupeGrpc.Execution.Builds;

namespace LoupeGrpc.Execution;

/// <summary>A rung after its provider was tried.</summary>
/// <param name="Error">Why it cannot serve; null where it may.</param>
/// <param name="Devices">One for each configured device; empty with an error.</param>
internal sealed record ExaminedRung(string? Error, IReadOnlyList<ExaminedDevice> Devices)
{
    /// <summary>Engines are missing for one of its devices at least.</summary>
    public bool MustBuild => Devices.Any(static device => device.MissingEngines is not null);

    /// <summary>What to run it on, where nothing must be built.</summary>
    public IEnumerable<ExecutionTarget> Targets => Devices.Select(static device => device.Target);

    public static ExaminedRung Refused(string error) => new(error, []);
}

/// <summary>A device on which a provider runs.</summary>
/// <param name="MissingEngines">The key of engines that must be built; null where they are there, or none are needed.</param>
internal sealed record ExaminedDevice(ExecutionTarget Target, EngineCacheKey? MissingEngines);
