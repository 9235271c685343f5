using System.Globalization;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>What this is that was measured on, and how busy others keep it.</summary>
internal static class Machine
{
    /// <summary>Of <c>/proc</c>.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>Seconds that all of its processors have computed, for anybody.</summary>
    public static double ProcessorTime
    {
        get
        {
            // user, nice, system, idle, iowait, irq, softirq, steal
            var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
                .Select(static text => double.Parse(text, CultureInfo.InvariantCulture)).ToList();
            return (ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond;
        }
    }

    public static string Describe()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{Environment.ProcessorCount} processors of {model}, load average {load}";
    }
}
