using System.Globalization;

namespace LoupeGrpc.Server.Models;

/// <summary>Memory that this process may still take: of the machine, and of the control groups that it is in.</summary>
internal static class FreeMemory
{
    private const string Groups = "/sys/fs/cgroup";

    /// <summary>Bytes; the largest number there is where the system does not say.</summary>
    public static long Bytes()
    {
        var free = ReadField("/proc/meminfo", "MemAvailable:") is { } kibibytes ? kibibytes << 10 : long.MaxValue;
        // Its own and those around it; in a container, which sees its own as the root, that one.
        var path = ReadLines("/proc/self/cgroup").Where(static line => line.StartsWith("0::/", StringComparison.Ordinal)).Select(static line => line[4..]).FirstOrDefault() ?? string.Empty;
        for (; ; path = Path.GetDirectoryName(path) ?? string.Empty)
        {
            free = Math.Min(free, FreeOf(Path.Combine(Groups, path)));
            if (path.Length == 0)
            {
                return free;
            }
        }
    }

    private static long FreeOf(string group)
    {
        if (ReadNumber(Path.Combine(group, "memory.max")) is not { } most || ReadNumber(Path.Combine(group, "memory.current")) is not { } now)
        {
            return long.MaxValue;
        }

        // Pages of files that nobody needs are given up before anybody is killed.
        return Math.Max(0, most - now + (ReadField(Path.Combine(group, "memory.stat"), "inactive_file") ?? 0));
    }

    /// <summary>Null also for <c>max</c>: no limit.</summary>
    private static long? ReadNumber(string file) =>
        ReadLines(file) is [var line, ..] && long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static long? ReadField(string file, string name) =>
        ReadLines(file).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(parts => parts.Length > 1 && parts[0] == name) is { } found
        && long.TryParse(found[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
