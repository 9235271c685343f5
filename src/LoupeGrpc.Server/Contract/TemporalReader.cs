using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Temporal;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>How frames are judged over time, of the contract.</summary>
internal static class TemporalReader
{
    /// <summary>Null where it is not asked for, or makes no sense.</summary>
    /// <param name="responseBytes">Largest response.</param>
    /// <param name="error">Why it makes none; null: it does.</param>
    public static TemporalSettings? Read(Wire.TemporalSettings? message, TemporalOptions options, int responseBytes, out string? error)
    {
        error = null;
        if (message is not { Enabled: true })
        {
            return null;
        }

        var window = options.Window;
        if (message.Window is { } asked && (!Durations.TryReadPositive(asked, out window) || window > TemporalSettings.LongestWindow))
        {
            error = $"window is not above zero and at most {TemporalSettings.LongestWindow.TotalHours:0} h";
            return null;
        }

        if (message.MaxFrames > options.MaxFrames)
        {
            error = $"max_frames is {message.MaxFrames}, more than {options.MaxFrames}: Loupe:Temporal:MaxFrames";
            return null;
        }

        int most = message.MaxFrames == 0 ? Math.Max(options.Frames, (int)Math.Min(message.MinFrames, (uint)options.MaxFrames)) : (int)message.MaxFrames;
        if (message.MinFrames > most)
        {
            error = $"min_frames is {message.MinFrames}, more than the {most} that the window holds (max_frames)";
            return null;
        }

        int least = message.MinFrames == 0 ? Math.Min(options.MinFrames, most) : (int)message.MinFrames;
        return new TemporalSettings(window, most, least, options.CutChange, options.MaxSegments).Within(responseBytes);
    }

    public static Wire.TemporalSettings ToMessage(this TemporalSettings settings) => new()
    {
        Enabled = true,
        Window = Duration.FromTimeSpan(settings.Window),
        MaxFrames = (uint)settings.MaxFrames,
        MinFrames = (uint)settings.MinFrames,
    };

    public static Wire.TemporalVerdict ToMessage(this TemporalVerdict verdict) => new()
    {
        Verdict = verdict.Verdict.ToMessage(),
        Score = verdict.Score,
        Frames = (uint)verdict.Frames,
        Counted = verdict.Counted,
        Scene = verdict.Scene,
        SinceSequence = verdict.Since,
    };
}
