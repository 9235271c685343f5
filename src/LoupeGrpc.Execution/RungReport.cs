namespace LoupeGrpc.Execution;

/// <summary>What had become of one configured provider at one moment.</summary>
/// <param name="Reason">Why, or what it waits for; may be empty.</param>
/// <param name="Device">Empty where none is loaded or there is nothing to name.</param>
/// <param name="Elapsed">Since its engines are being built; null otherwise.</param>
/// <param name="Sessions">That it served.</param>
public sealed record RungReport(string Provider, RungState State, string Reason, string Precision, string Device, TimeSpan? Elapsed, int Sessions);
