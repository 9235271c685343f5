using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Execution;

/// <summary>What became of one configured provider.</summary>
/// <param name="Reason">Why, or what it waits for; may be empty.</param>
/// <param name="Device">Empty where none is loaded or there is nothing to name.</param>
/// <param name="Elapsed">Since its engines are being built; null otherwise.</param>
/// <param name="Sessions">That it serves now.</param>
internal sealed record RungReport(string Provider, RungState State, string Reason, string Precision, string Device, TimeSpan? Elapsed, int Sessions);
