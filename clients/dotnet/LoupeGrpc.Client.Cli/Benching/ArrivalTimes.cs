using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>When the frames of one stream are due, seconds from the start, in order: whatever became of the ones before.</summary>
internal static class ArrivalTimes
{
    /// <summary>The same time between two frames. Streams are set off against each other, as cameras are.</summary>
    /// <param name="rate">Frames a second of all streams.</param>
    public static IEnumerable<double> Even(double rate, int stream, int streams)
    {
        for (long number = 0; ; number++)
        {
            yield return ((number * streams) + stream) / rate;
        }
    }

    /// <summary>A Poisson process: times between two frames are exponentially distributed.</summary>
    /// <inheritdoc cref="Even"/>
    /// <param name="seed">The same one brings the same times.</param>
    public static IEnumerable<double> Poisson(double rate, int stream, int streams, int seed)
    {
        var random = new Random(unchecked((seed * 4099) + stream));
        for (double time = 0; ;)
        {
            time -= Math.Log(1 - random.NextDouble()) * streams / rate;
            yield return time;
        }
    }

    /// <summary>Times from a file: a number a line, or JSON objects with `time_s`, as `stream --format jsonl` writes them. The first of them is the start.</summary>
    /// <exception cref="CliException">It cannot be read, or does not have them.</exception>
    public static IReadOnlyList<double> Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--trace {path}: {FileErrors.Reason(error)}");
        }

        List<double> times = [];
        for (var number = 0; number < lines.Length; number++)
        {
            var line = lines[number].Trim();
            if (line.Length == 0)
            {
                continue;
            }

            if (TimeOf(line) is not { } time || !double.IsFinite(time) || time < 0 || (times.Count > 0 && time < times[^1]))
            {
                throw CliException.Usage($"--trace {path}, line {number + 1}: there is no time in seconds, or one before that of the line above");
            }

            times.Add(time);
        }

        return times.Count > 0 ? [.. times.Select(time => time - times[0])] : throw CliException.Usage($"--trace {path}: there are no times in it");
    }

    private static double? TimeOf(string line)
    {
        if (line[0] != '{')
        {
            return double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out var time) ? time : null;
        }

        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.TryGetProperty("time_s", out var time) && time.ValueKind == JsonValueKind.Number ? time.GetDouble() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
