using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.UnitTests.Server.Sessions.Temporal;

/// <summary>Frames as sessions have them.</summary>
internal static class MadeFrames
{
    public static readonly TemporalSettings Settings = new(TimeSpan.FromSeconds(1), MaxFrames: 12, MinFrames: 3, CutChange: 0.06f, MaxSegments: 8);

    /// <param name="seconds">Null: no time is known.</param>
    /// <param name="scene">What the picture shows; null: nobody knows.</param>
    public static JudgedFrame Frame(ulong sequence, float score, double? seconds = null, int? scene = null, VerdictThresholds? thresholds = null) => new(
        sequence,
        seconds is { } time ? new CaptureTime((long)Math.Floor(time), (int)((time - Math.Floor(time)) * 1e9)) : null,
        score,
        thresholds ?? VerdictThresholds.Default,
        scene is { } shown ? Layout(shown) : default);

    /// <summary>A picture of a scene.</summary>
    /// <param name="noise">How far its fields are from those of the scene.</param>
    public static byte[] Layout(int scene, int noise = 0, Random? random = null)
    {
        var layout = new byte[192];
        new Random(scene).NextBytes(layout);
        for (int i = 0; noise > 0 && i < layout.Length; i++)
        {
            layout[i] = (byte)Math.Clamp(layout[i] + random!.Next(-noise, noise + 1), 0, 255);
        }

        return layout;
    }

    /// <summary>Adds frames of these scores, one after the other from the given number on, and takes the last verdict.</summary>
    public static TemporalVerdict AddAll(this TemporalFilter filter, ulong first, params float[] scores)
    {
        TemporalVerdict verdict = default;
        foreach (float score in scores)
        {
            verdict = filter.Add(Frame(first++, score));
        }

        return verdict;
    }

    public static float[] Times(int count, float score) => [.. Enumerable.Repeat(score, count)];
}
