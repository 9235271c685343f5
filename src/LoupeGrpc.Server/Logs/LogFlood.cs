using System.Diagnostics.CodeAnalysis;

namespace LoupeGrpc.Server.Logs;

/// <summary>
/// Limits the lines of each kind in a minute, a kind being an event's category and number: what a client does wrong a thousand times a second would fill a
/// disk, and hide everything else. What is left out is counted. Thread-safe.
/// </summary>
internal sealed class LogFlood(TimeProvider time)
{
    /// <summary>Of one kind.</summary>
    public const int LinesPerMinute = 600;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<LogKind, Count> _counts = [];

    /// <summary>Whether a line may be written. Traces are asked for, and are not limited.</summary>
    public bool Admits(LogKind kind, LogLevel level)
    {
        if (level < LogLevel.Information)
        {
            return true;
        }

        lock (_lock)
        {
            if (!_counts.TryGetValue(kind, out var count))
            {
                _counts.Add(kind, count = new Count { Since = time.GetTimestamp() });
            }
            else if (count.LeftOut == 0 && time.GetElapsedTime(count.Since) >= Minute)
            {
                (count.Since, count.Lines) = (time.GetTimestamp(), 0);
            }

            if (count.Lines < LinesPerMinute)
            {
                count.Lines++;
                return true;
            }

            count.LeftOut++;
            return false;
        }
    }

    /// <summary>A kind whose minute is over, and how many lines it went without; once. The kind has a new minute then.</summary>
    public bool TryTakeLeftOut([NotNullWhen(true)] out LogKind? kind, out long lines)
    {
        lock (_lock)
        {
            foreach (var (candidate, count) in _counts)
            {
                if (count.LeftOut > 0 && time.GetElapsedTime(count.Since) >= Minute)
                {
                    (kind, lines) = (candidate, count.LeftOut);
                    (count.Since, count.Lines, count.LeftOut) = (time.GetTimestamp(), 0, 0);
                    return true;
                }
            }
        }

        (kind, lines) = (null, 0);
        return false;
    }

    private sealed class Count
    {
        /// <summary>Timestamp of the first line.</summary>
        public long Since { get; set; }

        public int Lines { get; set; }

        public long LeftOut { get; set; }
    }
}

/// <summary>Lines that are alike.</summary>
internal sealed record LogKind(string Category, int Event);
