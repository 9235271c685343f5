using System.Text.Json.Serialization;

namespace LoupeGrpc.Packaging;

/// <summary>The range of a tensor that 8 bits stand for: what is beyond it becomes its end.</summary>
/// <param name="Low">0 or less, so that zero is one of the 256 values.</param>
/// <param name="High">0 or more, for the same reason; above <paramref name="Low"/>.</param>
public readonly record struct ActivationRange(float Low, float High)
{
    private const int Steps = 255;

    /// <summary>Whether a scale can be made of it.</summary>
    [JsonIgnore]
    public bool IsValid => float.IsFinite(Low) && float.IsFinite(High) && Low <= 0 && High >= 0 && (High - Low) / Steps is > 0 and < float.PositiveInfinity;

    /// <summary>From one of the 256 values to the next.</summary>
    [JsonIgnore]
    public float Scale => (High - Low) / Steps;

    /// <summary>Which of them is zero.</summary>
    [JsonIgnore]
    public byte ZeroPoint => (byte)Math.Clamp(MathF.Round(-Low / Scale, MidpointRounding.ToEven), 0, Steps);

    /// <summary>That of numbers between these two, with zero in it. Where all are zero it is -1 to 1: any would do.</summary>
    public static ActivationRange Of(float smallest, float largest) => (MathF.Min(smallest, 0), MathF.Max(largest, 0)) is var (low, high) && low < high
        ? new ActivationRange(low, high)
        : new ActivationRange(-1, 1);
}
