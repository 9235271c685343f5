using System.Diagnostics;
using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Scaling;

/// <summary>What frames take of a server that has one of them at a time, as its results and the system say.</summary>
/// <param name="Frames">Each that was measured; without adaptation.</param>
/// <param name="Threads">Processors that a run of a graph keeps busy.</param>
/// <param name="Step">A step of adaptation, seconds: the median.</param>
/// <param name="Transit">From sending to the result, what no processor of the server did: seconds, the median.</param>
/// <param name="Client">Processor time of whoever sends, of each frame, seconds.</param>
/// <param name="BytesIn">Of a frame's message.</param>
/// <param name="BytesOut">Of its result's message.</param>
internal sealed record ServiceTimes(IReadOnlyList<FrameWork> Frames, double Threads, double Step, double Transit, double Client, int BytesIn, int BytesOut)
{
    /// <summary>Frames until what .NET compiles while it runs is as it will be.</summary>
    private const int WarmUp = 150;

    public static readonly MaskSettings EveryMask = new() { Policy = MaskPolicy.Always };

    /// <summary>Each frame steps: no bound ends it, and none is too unsure to teach.</summary>
    public static readonly AdaptationSettings EveryStep = new()
    {
        Enabled = true,
        MinConfidence = -1,
        Guard = new AdaptationGuard { MaxDrift = -1, MaxDisagreement = -1, MaxLossRatio = -1, MaxSameLabel = -1 },
    };

    /// <param name="threads">That the server computes graphs with.</param>
    /// <param name="frames">To measure, of each kind.</param>
    public static async Task<ServiceTimes> MeasureAsync(ReplicaProcess server, int threads, ReadOnlyMemory<byte> picture, int frames, CancellationToken cancellationToken)
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Grpc });
        List<(StageTimings Stages, double Latency)> plain = [];
        double server0 = 0, client0 = 0;
        await SendAsync(null, (count, stages, latency) =>
        {
            plain.Add((stages, latency));
            if (count == WarmUp)
            {
                plain.Clear();
                (server0, client0) = (server.ProcessorTime, Environment.CpuUsage.TotalTime.TotalSeconds);
            }
        });
        var computed = (server.ProcessorTime - server0) / plain.Count;
        var sent = (Environment.CpuUsage.TotalTime.TotalSeconds - client0) / plain.Count;

        List<double> steps = [];
        await SendAsync(EveryStep, (count, stages, _) =>
        {
            if (count > WarmUp && stages.AdaptMs > 0)
            {
                steps.Add(stages.AdaptMs / 1000);
            }
        });

        // Around the engine: what the server computed beside its stages.
        var works = plain.Select(static one => new FrameWork(
            0, (one.Stages.DecodeMs + one.Stages.PreprocessMs) / 1000, one.Stages.EncodeMs / 1000, one.Stages.SegmentMs / 1000, one.Stages.MaskMs / 1000, 0)).ToList();
        // With several threads nobody can tell how much of a run each of them computes but from the whole.
        var graphs = works.Average(static work => work.Encode + work.Segment);
        var busy = Math.Clamp((computed - works.Average(static work => work.Decode + work.Mask)) / graphs, 1, threads);
        var rest = plain.Zip(works, static (one, work) => one.Latency - (work.Decode + work.Encode + work.Segment + work.Mask)).ToList();
        var serve = Math.Clamp(computed - works.Average(static work => work.Decode + work.Mask) - (graphs * busy), 0, Median(rest));
        using var probe = new LoupeClient(new LoupeClientOptions { Address = server.Grpc });
        var answer = await probe.AnalyzeImageAsync(new EncodedFrame(picture), new LoupeImageOptions { Mask = EveryMask }, cancellationToken);
        var asked = new AnalyzeImageRequest { Encoded = new EncodedImage { Data = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(picture) } };
        return new ServiceTimes(
            [.. works.Select(work => work with { Serve = serve })], busy, steps.Count > 0 ? Median(steps) : 0, Math.Max(0, Median(rest) - serve), sent, asked.CalculateSize(), answer.Result.CalculateSize());

        async Task SendAsync(AdaptationSettings? adapts, Action<int, StageTimings, double> measured)
        {
            await using var session = await client.OpenSessionAsync(
                new LoupeSessionOptions { Delivery = new DeliveryPolicy { Mode = DeliveryMode.EveryFrame }, Mask = EveryMask, Adaptation = adapts, Reconnect = false }, cancellationToken);
            await using var results = session.Results(cancellationToken).GetAsyncEnumerator(cancellationToken);
            for (var count = 1; count <= WarmUp + frames; count++)
            {
                var start = Stopwatch.GetTimestamp();
                await session.SendAsync(new EncodedFrame(picture) { FrameId = (ulong)count }, cancellationToken);
                var result = await results.MoveNextAsync() && results.Current is LoupeResult one ? one.Result : throw new InvalidOperationException($"No result but {results.Current}.");
                measured(count, result.Timings, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }
    }

    public static double Median(IEnumerable<double> values) => ServerLoad.At([.. values.Order()], 0.5);
}
