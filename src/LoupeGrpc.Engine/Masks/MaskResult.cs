namespace LoupeGrpc.Engine.Masks;

/// <param name="Encoded">Null where it is longer than the budget.</param>
/// <param name="Area">Forged pixels.</param>
/// <param name="Soft">Empty where it was not asked for, or is longer than the budget.</param>
internal readonly record struct MaskResult(EncodedMask? Encoded, IReadOnlyList<MaskRegion> Regions, long Area, ReadOnlyMemory<float> Soft);
