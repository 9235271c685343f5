using System.Text.Json;
using System.Text.Json.Serialization;
using HdrHistogram;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>What a benchmark measured, as its JSON object has it. Times are milliseconds.</summary>
internal sealed record BenchFigures
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public DateTimeOffset Started { get; init; }

    public string Server { get; init; } = "";

    public string Model { get; init; } = "";

    public string Execution { get; init; } = "";

    public required int Streams { get; init; }

    public int? Window { get; init; }

    public required string Load { get; init; }

    public double? Rate { get; init; }

    public required string Delivery { get; init; }

    public required string Mask { get; init; }

    public required bool Adapts { get; init; }

    public required double WarmUpSeconds { get; init; }

    public required double Seconds { get; init; }

    public required int Pictures { get; init; }

    /// <summary>On average.</summary>
    public required long PictureBytes { get; init; }

    /// <summary>Results that were there before the end, a second.</summary>
    public required double FramesPerSecond { get; init; }

    public required BenchOutcomes Outcomes { get; init; }

    /// <summary>From when a frame was due to its result.</summary>
    public BenchSpread? LatencyMs { get; init; }

    /// <summary>From a frame's receipt by the server to its outcome, as the server says.</summary>
    public BenchSpread? AgeMs { get; init; }

    /// <summary>From when a frame was due to when it was sent; open loop only.</summary>
    public BenchSpread? LagMs { get; init; }

    /// <summary>Means of the server's own timings.</summary>
    public required IReadOnlyDictionary<string, double> ServerStageMs { get; init; }

    public BenchExplained? ExplainedMs { get; init; }

    /// <summary>Latency by percentile: pairs of both.</summary>
    public required IReadOnlyList<double[]> Curve { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <exception cref="CliException">It cannot be read, or is something else.</exception>
    public static BenchFigures Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<BenchFigures>(File.ReadAllBytes(path), Json) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw CliException.Usage($"--compare {path}: this is not what `bench --json` wrote");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--compare {path}: {FileErrors.Reason(error)}");
        }
    }
}

/// <summary>What became of the frames that were due.</summary>
internal sealed record BenchOutcomes
{
    public required long Result { get; init; }

    public required long Dropped { get; init; }

    public required long Expired { get; init; }

    public required long Failed { get; init; }

    /// <summary>Due, and never sent: the server, or this machine, could not keep up.</summary>
    public required long Unsent { get; init; }
}

/// <summary>Means over the results: how far the server's own figures explain what is seen from outside.</summary>
internal sealed record BenchExplained
{
    public required double Outside { get; init; }

    /// <summary>From receipt to outcome.</summary>
    public required double Server { get; init; }

    /// <summary>The sum of the server's stages, waiting between them included.</summary>
    public required double Stages { get; init; }
}

/// <summary>A distribution of times, milliseconds.</summary>
internal sealed record BenchSpread
{
    private const double MillisecondsPerUnit = 1e-3;

    /// <summary>Half of what is left to 100 % in so many steps.</summary>
    private const int StepsPerHalving = 5;

    public required long Count { get; init; }

    public required double Mean { get; init; }

    public required double P50 { get; init; }

    public required double P90 { get; init; }

    public required double P99 { get; init; }

    [JsonPropertyName("p99.9")]
    public required double P999 { get; init; }

    public required double Max { get; init; }

    /// <returns>Null where nothing was recorded.</returns>
    public static BenchSpread? Of(LongHistogram histogram) => histogram.TotalCount == 0 ? null : new BenchSpread
    {
        Count = histogram.TotalCount,
        Mean = histogram.GetMean() * MillisecondsPerUnit,
        P50 = histogram.GetValueAtPercentile(50) * MillisecondsPerUnit,
        P90 = histogram.GetValueAtPercentile(90) * MillisecondsPerUnit,
        P99 = histogram.GetValueAtPercentile(99) * MillisecondsPerUnit,
        P999 = histogram.GetValueAtPercentile(99.9) * MillisecondsPerUnit,
        Max = histogram.GetMaxValue() * MillisecondsPerUnit,
    };

    public static IReadOnlyList<double[]> CurveOf(LongHistogram histogram) => histogram.TotalCount == 0
        ? []
        : [.. histogram.Percentiles(StepsPerHalving).Select(static step => new[] { step.Percentile, step.ValueIteratedTo * MillisecondsPerUnit })];
}
