using System.Globalization;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>
/// <c>scale --check</c>: two real servers with half of the machine's processors each. Each is measured alone, with one frame at a time; what the simulation makes of that is
/// held against what both do at once under load. Whoever sends computes on the same processors, which the simulation is told.
/// </summary>
internal sealed class ScaleCheck(string file, byte[] picture, int frames, TimeSpan duration, TextWriter output)
{
    private const int Sessions = 4;
    private static readonly double[] Utilisations = [0.5, 0.8];

    /// <exception cref="InvalidOperationException">The machine has no two halves, or no server.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        WriteTheory();
        var half = Environment.ProcessorCount / 2;
        if (half == 0)
        {
            throw new InvalidOperationException("There is one processor, which has no halves.");
        }

        await using var one = await ReplicaProcess.StartAsync($"0-{half - 1}", [], cancellationToken);
        await using var other = await ReplicaProcess.StartAsync($"{half}-{(2 * half) - 1}", [], cancellationToken);
        ReplicaProcess[] servers = [one, other];
        Line($"{Machine.Describe()}. Two servers with {half} each, {one.Description}. {Path.GetFileName(file)}, {picture.Length / 1024} KiB, a mask of every frame.");

        List<(Replica Replica, ServiceTimes Times, List<FrameWork> Works, double Capacity)> predicted = [];
        foreach (var server in servers)
        {
            var others = new Bystanders(servers);
            var times = await ServiceTimes.MeasureAsync(server, half, picture, frames, cancellationToken);
            List<FrameWork> works = [.. times.Frames.Select(work => work with { Serve = work.Serve + times.Client })];
            var replica = new Replica(half, times.Threads, null);
            predicted.Add((replica, times, works, ReplicaSimulation.Capacity(replica, works)));
            Line($"Measured alone: {works.Average(static work => work.Decode + work.Encode + work.Segment + work.Mask) * 1000:F2} ms a frame in its stages, {times.Frames[0].Serve * 1000:F2} ms around them, {times.Client * 1000:F2} ms of the client, {times.Transit * 1000:F2} ms of nobody. Others took {others.Processors:F2} processors.");
        }

        Line($"");
        Line($"| given | | predicted | measured | deviation | processors that others took |");
        Line($"|---|---|---:|---:|---:|---:|");
        var bystanders = new Bystanders(servers);
        var results = await DriveAsync(servers, static _ => 0, cancellationToken);
        Row("as much as they take", "frames a second", predicted.Sum(static one => one.Capacity), results.Sum(static ages => ages.Count) / (duration.TotalSeconds * ServerLoad.CountedShare), bystanders.Processors);
        foreach (var share in Utilisations)
        {
            bystanders = new Bystanders(servers);
            results = await DriveAsync(servers, server => share * predicted[server].Capacity / Sessions, cancellationToken);
            var others = bystanders.Processors;
            double[] expected = [.. predicted.SelectMany(one => Expect(one.Replica, one.Works, one.Times.Transit, share * one.Capacity / Sessions)).Order()];
            double[] measured = [.. results.SelectMany(static ages => ages).Order()];
            var name = string.Create(CultureInfo.InvariantCulture, $"{share:P0} of that");
            Row(name, "frames a second", expected.Length / (duration.TotalSeconds * ServerLoad.CountedShare), measured.Length / (duration.TotalSeconds * ServerLoad.CountedShare), others);
            Row(name, "median, ms", ServerLoad.At(expected, 0.5) * 1000, ServerLoad.At(measured, 0.5), others);
            Row(name, "99th percentile, ms", ServerLoad.At(expected, 0.99) * 1000, ServerLoad.At(measured, 0.99), others);
        }
    }

    /// <param name="perSecond">Of each of some cameras; 0: as much as the server takes.</param>
    public static LoadGroup Group(byte[] picture, double perSecond) =>
        new("every", Sessions, new DeliveryPolicy { Mode = DeliveryMode.EveryFrame }, picture, null, perSecond) { Mask = ServiceTimes.EveryMask };

    /// <summary>A queue that has an answer on paper: Pollaczek and Khinchine's, with constant times.</summary>
    private void WriteTheory()
    {
        const double Share = 0.8;
        var random = new Random(1);
        List<double> arrivals = [];
        for (var at = 0.0; arrivals.Count < 200_000; at -= Math.Log(1 - random.NextDouble()) / Share)
        {
            arrivals.Add(at);
        }

        var waits = ReplicaSimulation.Latencies(new Replica(1, 1, null), [new FrameWork(0, 0, 1, 0, 0, 0)], 0, arrivals, 1000, seed: 1);
        Line($"The simulator against theory: one worker, constant times, random arrivals at {Share:P0}: mean wait {waits.Average() - 1:F3} of a time, {Share / (2 * (1 - Share)):F3} on paper.");
    }

    private async Task<List<double>[]> DriveAsync(ReplicaProcess[] servers, Func<int, double> perSecond, CancellationToken cancellationToken) => await Task.WhenAll(servers.Select(async (server, i) =>
    {
        var tallies = await ServerLoad.DriveAsync(server.Grpc, [Group(picture, perSecond(i))], duration, cancellationToken);
        if (tallies[0].Sum(static tally => tally.Failed + tally.Dropped) is > 0 and var lost)
        {
            throw new InvalidOperationException($"{lost} frames have no result.");
        }

        return tallies[0].SelectMany(static tally => tally.Ages).ToList();
    }));

    /// <summary>The same cameras at the same times.</summary>
    private List<double> Expect(Replica replica, List<FrameWork> works, double transit, double perSecond)
    {
        var arrivals = Group(picture, perSecond).Phases.SelectMany(phase => Enumerable.Range(0, (int)(duration.TotalSeconds * perSecond)).Select(frame => phase + (frame / perSecond)));
        return ReplicaSimulation.Latencies(replica, works, transit, [.. arrivals], duration.TotalSeconds * (1 - ServerLoad.CountedShare), seed: 1);
    }

    private void Row(string load, string what, double predicted, double measured, double others) =>
        Line($"| {load} | {what} | {predicted:F1} | {measured:F1} | {(measured / predicted) - 1:+0 %;-0 %;0 %} | {others:F2} |");

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
