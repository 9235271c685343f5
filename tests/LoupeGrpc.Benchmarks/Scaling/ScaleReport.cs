using System.Globalization;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>The tables of <c>scale</c>, as documents have them.</summary>
internal sealed class ScaleReport(TextWriter output)
{
    private static readonly double[] Utilisations = [0.5, 0.7, 0.8, 0.9, 0.95];
    private static readonly int[] Targets = [100, 10_000, 1_000_000];

    /// <summary>Of a camera's frames, by how much of its period one may be late or early.</summary>
    private const double Jitter = 0.1;

    public required ServiceTimes Times { get; init; }

    public required string Picture { get; init; }

    public required string Served { get; init; }

    public required IReadOnlyList<(string Name, Replica Replica)> Plans { get; init; }

    /// <summary>Frames a second that the server answered which was measured, of callers on the same machine that sent as much as it took.</summary>
    public required double Loaded { get; init; }

    /// <summary>Processors that others took meanwhile.</summary>
    public required double Others { get; init; }

    /// <summary>Frames a second of a camera.</summary>
    public required double Rate { get; init; }

    public required double Utilisation { get; init; }

    public required double Adapting { get; init; }

    public required int Interval { get; init; }

    public required (double Plain, double Adapting)? Records { get; init; }

    public void Write()
    {
        WriteTimes();
        var works = Mixed();
        var capacities = Plans.Select(plan => ReplicaSimulation.Capacity(plan.Replica, works)).ToList();
        WriteLatencies(works, capacities);
        WriteReplicas(capacities);
        WriteTraffic();
    }

    /// <summary>With a step where a frame's session adapts.</summary>
    private List<FrameWork> Mixed() => [.. Times.Frames.Select((work, i) => work with { Adapt = Math.Floor((i + 1) * Adapting) > Math.Floor(i * Adapting) ? Times.Step : 0 })];

    private void WriteTimes()
    {
        Line($"{Machine.Describe()}. {Served}. {Picture}, a mask of every frame. Measured with one frame at a time:");
        Line($"");
        Line($"| a frame takes | median ms | 99th percentile |");
        Line($"|---|---:|---:|");
        Row("decoding and preprocessing, one processor", static work => work.Decode);
        Row("encoder", static work => work.Encode);
        Row("segmentor", static work => work.Segment);
        Row("mask, one processor", static work => work.Mask);
        Row("around the engine, one processor", static work => work.Serve);
        Line($"| a step of adaptation | {Times.Step * 1000:F2} | |");
        Line($"| neither: waking up, the network, the client | {Times.Transit * 1000:F2} | |");
        Line($"");
        Line($"A run of a graph keeps {Times.Threads:F2} processors busy. Under load this server answered {Loaded:F1} frames a second, while whoever sent them computed {Times.Client * 1000:F1} ms for each on the same processors and others took {Others:F2} of them; simulated with that, {ReplicaSimulation.Capacity(Plans[0].Replica, [.. Times.Frames.Select(work => work with { Serve = work.Serve + Times.Client })]):F1}.");
        Line($"");

        void Row(string name, Func<FrameWork, double> part)
        {
            double[] sorted = [.. Times.Frames.Select(part).Order()];
            Line($"| {name} | {ServerLoad.At(sorted, 0.5) * 1000:F2} | {ServerLoad.At(sorted, 0.99) * 1000:F2} |");
        }
    }

    private void WriteLatencies(List<FrameWork> works, List<double> capacities)
    {
        Line($"Of the sessions {Adapting:P0} adapt. Simulated, milliseconds from sending to the result, median / 99th percentile:");
        Line($"");
        Line($"| server | frames a second at most | {string.Join(" | ", Utilisations.Select(static share => share.ToString("P0", CultureInfo.InvariantCulture)))} |");
        Line($"|---|---:|{string.Concat(Enumerable.Repeat("---:|", Utilisations.Length))}");
        foreach (var ((name, replica), capacity) in Plans.Zip(capacities))
        {
            var cells = Utilisations.Select(share =>
            {
                double[] latencies = [.. Latencies(replica, works, share * capacity).Order()];
                return string.Create(CultureInfo.InvariantCulture, $"{ServerLoad.At(latencies, 0.5) * 1000:F0} / {ServerLoad.At(latencies, 0.99) * 1000:F0}");
            });
            Line($"| {name} | {capacity:F1} | {string.Join(" | ", cells)} |");
        }

        Line($"");
    }

    /// <summary>Of as many cameras as send so much, several times, since their phases make a difference.</summary>
    private List<double> Latencies(Replica replica, List<FrameWork> works, double perSecond)
    {
        const double Seconds = 30;
        var cameras = Math.Max(1, (int)Math.Round(perSecond / Rate));
        var period = cameras / perSecond;
        List<double> latencies = [];
        for (var draw = 0; draw < 20; draw++)
        {
            var random = new Random(draw);
            var arrivals = Enumerable.Range(0, cameras).Select(_ => random.NextDouble() * period).ToList()
                .SelectMany(phase => Enumerable.Range(0, (int)(Seconds / period)).Select(frame => phase + ((frame + (Jitter * random.NextDouble())) * period)));
            latencies.AddRange(ReplicaSimulation.Latencies(replica, works, Times.Transit, [.. arrivals], Seconds / 5, draw));
        }

        return latencies;
    }

    private void WriteReplicas(List<double> capacities)
    {
        Line($"Servers, given {Utilisation:P0} of what they can do, for cameras of {Rate} frames a second:");
        Line($"");
        Line($"| frames a second | cameras |{string.Concat(Plans.Select(static plan => $" {plan.Name}: evenly | by hash |"))}");
        Line($"|---:|---:|{string.Concat(Plans.Select(static _ => "---:|---:|"))}");
        foreach (var target in Targets)
        {
            var cameras = (int)Math.Ceiling(target / Rate);
            var cells = capacities.Select(capacity => string.Create(
                CultureInfo.InvariantCulture, $" {Math.Ceiling(target / (capacity * Utilisation)):N0} | {HashedSessions.Replicas(cameras, capacity * 0.9 / Rate)?.ToString("N0", CultureInfo.InvariantCulture) ?? "none does: a camera is too much for one"} |"));
            Line($"| {target:N0} | {cameras:N0} |{string.Concat(cells)}");
        }

        Line($"");
        Line($"By hash: so many that 99 of 100 servers are given no more than 90 % of what they can do, where a ring of 160 points for each hands the cameras out.");
        Line($"");
    }

    private void WriteTraffic()
    {
        Line($"A frame's message has {Times.BytesIn:N0} bytes, its result's {Times.BytesOut:N0}. A record of a session for Redis has {Text(Records?.Plain)} bytes as it gets them, {Text(Records?.Adapting)} where the session adapts; one is written every {Interval} frames:");
        Line($"");
        Line($"| frames a second | in, Mbit/s | out, Mbit/s | records a second | to Redis, nobody adapts, MB/s | {Adapting:P0} adapt |");
        Line($"|---:|---:|---:|---:|---:|---:|");
        foreach (var target in Targets)
        {
            var records = (double)target / Interval;
            Line($"| {target:N0} | {Megabits(target, Times.BytesIn)} | {Megabits(target, Times.BytesOut)} | {records:N0} | {Text(records * Records?.Plain / 1e6)} | {Text(records * ((Records?.Plain * (1 - Adapting)) + (Records?.Adapting * Adapting)) / 1e6)} |");
        }

        static string Megabits(int frames, int bytes) => (frames * (double)bytes * 8 / 1e6).ToString("N1", CultureInfo.InvariantCulture);
        static string Text(double? number) => number?.ToString(number < 100 ? "N1" : "N0", CultureInfo.InvariantCulture) ?? "(no redis-server here)";
    }

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
