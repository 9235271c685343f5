using System.Globalization;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>Durations as people write them: <c>15</c> (seconds), <c>15s</c>, <c>1.5 h</c>, <c>250ms</c>, <c>00:01:30</c>.</summary>
public static class DurationText
{
    /// <summary>The longest suffix first.</summary>
    private static readonly (string Suffix, double Seconds)[] Units =
        [("min", 60), ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

    /// <summary>In hours where they are whole, else in seconds or milliseconds.</summary>
    public static string Format(TimeSpan duration)
    {
        var (value, unit) = duration != TimeSpan.Zero && duration.Ticks % TimeSpan.TicksPerHour == 0 ? (duration.TotalHours, "h")
            : duration.Ticks % TimeSpan.TicksPerSecond == 0 ? (duration.TotalSeconds, "s")
            : (duration.TotalMilliseconds, "ms");
        return string.Create(CultureInfo.InvariantCulture, $"{value} {unit}");
    }

    public static bool TryParse(string text, out TimeSpan duration)
    {
        text = text.Trim();
        var (suffix, seconds) = Units.FirstOrDefault(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase), (string.Empty, 1));
        // A bare number is seconds; TimeSpan alone would read it as days.
        if (double.TryParse(text.AsSpan(0, text.Length - suffix.Length).TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && double.IsFinite(value))
        {
            duration = TimeSpan.FromSeconds(Math.Min(value * seconds, int.MaxValue));
            return true;
        }

        return TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out duration);
    }
}
