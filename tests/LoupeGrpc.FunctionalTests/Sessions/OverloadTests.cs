using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>
/// Four times the frames that a server can analyse, for a minute (LOUPE_OVERLOAD_SECONDS), in all ways of delivery beside each other: every frame has one outcome, those of
/// EVERY_FRAME are results, and memory stands still, if not in the first minute then in one after it. Wants the machine for itself: `./test.sh` runs it behind everything else.
/// </summary>
[Trait("Suite", "overload")]
public sealed class OverloadTests(NanoEngine nano, ITestOutputHelper output)
{
    private const int Everies = 6;
    private const int Paced = 12;
    private const int Factor = 4;
    private const string Switch = "LOUPE_OVERLOAD_SECONDS";

    /// <summary>What memory may grow by from the second quarter to the last: what the collector leaves standing differs from second to second.</summary>
    private const double Growth = 1.1;
    private const long Slack = 24;

    /// <summary>How often the time is given again where memory has grown: a heap that finds its size stands still later, a leak grows on.</summary>
    private const int Windows = 3;

    private static readonly TimeSpan Measuring = TimeSpan.FromSeconds(5);

    private static readonly byte[][] Pictures =
        [.. Enumerable.Range(0, 10).Select(static picture => File.ReadAllBytes(TestData.Golden("nano-tta", "scale", $"frame-{picture:000}.png")))];

    [Fact]
    public async Task Every_frame_has_one_outcome_and_memory_stands_still()
    {
        var duration = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable(Switch) ?? "60", CultureInfo.InvariantCulture));
        await using var server = ServerProcess.Serve(nano);
        var ready = (await server.ReadLineAsync())!.Split(' ');
        using var client = new LoupeClient(new LoupeClientOptions { Address = new Uri(ready[1]) });
        var capacity = await MeasureAsync(client);
        var rate = Factor * capacity / Paced;

        List<Camera> cameras =
        [
            .. Enumerable.Range(0, Everies).Select(number => new Camera(client, EveryFrame(number % 2 == 1), perSecond: 0)),
            .. Enumerable.Range(0, Paced).Select(number => new Camera(client, Droppable(number), rate)),
        ];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var memory = WatchMemoryAsync(server.Id, (int)duration.TotalSeconds, stop);
        await Task.WhenAll(cameras.Select(camera => Task.Run(() => camera.RunAsync(stop.Token), TestContext.Current.CancellationToken)));
        var used = await memory;
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());

        output.WriteLine($"capacity {capacity:0} frames/s; {cameras.Sum(static camera => camera.Sent) / used.Count:0} sent a second for {used.Count} s");
        foreach (var group in cameras.GroupBy(static camera => camera.Kind))
        {
            output.WriteLine(
                $"{group.Key}: {group.Sum(static camera => camera.Results)} results, {group.Sum(static camera => camera.Economical)} of them with less, "
                    + $"{group.Sum(static camera => camera.Sent - camera.Results)} dropped or expired");
        }

        output.WriteLine($"memory, MiB: {string.Join(' ', used.Where((_, second) => second % Math.Max(1, used.Count / 20) == 0))}");
        Assert.All(cameras, static camera => camera.AssertComplete());
        var (last, most) = Compare(used[^(int)duration.TotalSeconds..]);
        Assert.InRange(last, 0, most);
    }

    /// <summary>Memory in the last quarter, and the most that it may be for what it was in the second.</summary>
    private static (long Last, long Most) Compare(List<long> window) =>
        (Median(window[(window.Count * 3 / 4)..]), (long)(Median(window[(window.Count / 4)..(window.Count / 2)]) * Growth) + Slack);

    private static LoupeSessionOptions EveryFrame(bool adapts) => new()
    {
        Delivery = new DeliveryPolicy { Mode = DeliveryMode.EveryFrame },
        Mask = new MaskSettings { Policy = MaskPolicy.Always },
        Adaptation = adapts ? new AdaptationSettings { Enabled = true } : null,
        MaxFramesInFlight = 8,
    };

    private static LoupeSessionOptions Droppable(int number) => new()
    {
        Delivery = number % 2 == 0
            ? new DeliveryPolicy { Mode = DeliveryMode.Freshest }
            : new DeliveryPolicy { Mode = DeliveryMode.StalenessBudget, StalenessBudget = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(300)) },
        Mask = new MaskSettings { Policy = MaskPolicy.Always },
        Economies = number % 4 == 1 ? [Economy.NoMask] : [],
    };

    /// <summary>Frames a second of sessions that send as fast as they are answered.</summary>
    private static async Task<double> MeasureAsync(LoupeClient client)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(Measuring);
        List<Camera> cameras = [.. Enumerable.Range(0, Everies).Select(number => new Camera(client, EveryFrame(number % 2 == 1), perSecond: 0))];
        await Task.WhenAll(cameras.Select(camera => camera.RunAsync(stop.Token)));
        return cameras.Sum(static camera => camera.Results) / Measuring.TotalSeconds;
    }

    /// <summary>Of the server and its decoders, each second, in MiB: of pages that several have, each its part.</summary>
    /// <param name="window">Seconds.</param>
    /// <param name="stop">Canceled at the end: when memory has stood still in a window, or grown in <see cref="Windows"/> of them.</param>
    private static async Task<List<long>> WatchMemoryAsync(int server, int window, CancellationTokenSource stop)
    {
        List<long> used = [];
        try
        {
            do
            {
                await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
                var children = await File.ReadAllTextAsync($"/proc/{server}/task/{server}/children", CancellationToken.None);
                long kilobytes = 0;
                foreach (var process in children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Append($"{server}"))
                {
                    var lines = await File.ReadAllLinesAsync($"/proc/{process}/smaps_rollup", CancellationToken.None);
                    kilobytes += long.Parse(lines.First(static line => line.StartsWith("Pss:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
                }

                used.Add(kilobytes / 1024);
            }
            while (used.Count % window != 0 || (used.Count < Windows * window && Compare(used[^window..]) is var (last, most) && last > most));
        }
        finally
        {
            await stop.CancelAsync();
        }

        return used;
    }

    private static long Median(IEnumerable<long> values)
    {
        long[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>One session, from its first frame to its summary.</summary>
    /// <param name="perSecond">Frames; 0: as many as the server takes.</param>
    private sealed class Camera(LoupeClient client, LoupeSessionOptions options, double perSecond)
    {
        private readonly HashSet<ulong> _answered = [];
        private readonly List<ulong> _twice = [];
        private readonly List<LoupeFailed> _failed = [];
        private SessionSummary? _summary;

        public DeliveryMode Kind => options.Delivery!.Mode;

        public int Sent { get; private set; }

        public int Results { get; private set; }

        /// <summary>Results for which something was left out.</summary>
        public int Economical { get; private set; }

        public async Task RunAsync(CancellationToken stop)
        {
            await using var session = await client.OpenSessionAsync(options with { Reconnect = false }, Patience.Token());
            var reading = ReadAsync(session);
            var begun = TimeProvider.System.GetTimestamp();
            while (!stop.IsCancellationRequested)
            {
                if (perSecond > 0 && TimeSpan.FromSeconds(Sent / perSecond) - TimeProvider.System.GetElapsedTime(begun) is { Ticks: > 0 } early)
                {
                    await Task.Delay(early, CancellationToken.None);
                }

                await session.SendAsync(new EncodedFrame(Pictures[Sent % Pictures.Length]) { FrameId = (ulong)Sent }, Patience.Token());
                Sent++;
            }

            _summary = await session.CompleteAsync(Patience.Token());
            await reading;
        }

        public void AssertComplete()
        {
            Assert.Empty(_twice);
            Assert.Equal(Sent, _answered.Count);
            Assert.Equal((ulong)Sent, _summary!.Frames);
            Assert.Equal((ulong)Results, _summary.Results);
            Assert.Empty(_failed);
            Assert.InRange(Results, 1, Kind == DeliveryMode.EveryFrame ? Sent : Sent - 1);
            if (Kind == DeliveryMode.EveryFrame)
            {
                Assert.Equal(Sent, Results);
            }
        }

        private async Task ReadAsync(LoupeSession session)
        {
            await foreach (var outcome in session.Results(TestContext.Current.CancellationToken))
            {
                if (!_answered.Add(outcome.FrameId))
                {
                    _twice.Add(outcome.FrameId);
                }

                if (outcome is LoupeFailed failed)
                {
                    _failed.Add(failed);
                }

                if (outcome is LoupeResult { Result: var result })
                {
                    Results++;
                    Economical += result.Economies.Count > 0 ? 1 : 0;
                }
            }
        }
    }
}
