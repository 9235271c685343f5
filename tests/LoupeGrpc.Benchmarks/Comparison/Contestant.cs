using System.Diagnostics;
using Google.Protobuf;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks.Comparison;

/// <summary>One of the two servers, and what was measured of it with a number of streams.</summary>
internal sealed class Contestant(string name, ServerProcess server)
{
    /// <summary>Of each round; what comes before it warms up.</summary>
    private const double CountedShare = 0.8;

    private readonly Dictionary<int, List<Round>> _rounds = [];

    public string Name => name;

    public string Ready => string.Join(' ', server.Ready.Skip(2));

    /// <summary>As a round, which does not count.</summary>
    public Task WarmUpAsync(int streams, IReadOnlyList<ByteString> pictures, TimeSpan duration, CancellationToken cancellationToken) =>
        MeasureAsync(streams, pictures, duration, cancellationToken);

    /// <summary>A round: keeps so many streams busy for that long.</summary>
    public async Task RunAsync(int streams, IReadOnlyList<ByteString> pictures, TimeSpan duration, CancellationToken cancellationToken)
    {
        if (!_rounds.TryGetValue(streams, out var rounds))
        {
            _rounds.Add(streams, rounds = []);
        }

        rounds.Add(await MeasureAsync(streams, pictures, duration, cancellationToken));
    }

    /// <summary>What it answers to each picture.</summary>
    public async Task<IReadOnlyList<FrameResult>> AnswersAsync(IReadOnlyList<ByteString> pictures, CancellationToken cancellationToken)
    {
        using var loop = await ClosedLoop.OpenAsync(server.Address, pictures, first: 0, cancellationToken);
        var answers = new List<FrameResult>();
        for (int i = 0; i < pictures.Count; i++)
        {
            answers.Add((await loop.AnalyzeAsync(cancellationToken)).Result);
        }

        return answers;
    }

    /// <summary>Of all rounds with so many streams.</summary>
    public Figures Of(int streams)
    {
        var rounds = _rounds[streams];
        double[] all = [.. rounds.SelectMany(static round => round.Milliseconds).Order()];
        return new Figures(
            Median(static round => round.FramesPerSecond),
            Median(static round => round.ProcessorMilliseconds),
            ServerLoad.At(all, 0.5),
            ServerLoad.At(all, 0.99),
            rounds.Max(static round => round.ResidentBytes) / (double)(1 << 20),
            Median(static round => round.Others));

        double Median(Func<Round, double> value) => ServerLoad.At([.. rounds.Select(value).Order()], 0.5);
    }

    private async Task<Round> MeasureAsync(int streams, IReadOnlyList<ByteString> pictures, TimeSpan duration, CancellationToken cancellationToken)
    {
        var loops = await Task.WhenAll(Enumerable.Range(0, streams).Select(index => ClosedLoop.OpenAsync(server.Address, pictures, index, cancellationToken)));
        try
        {
            long begin = Stopwatch.GetTimestamp();
            long from = begin + (long)(duration.TotalSeconds * (1 - CountedShare) * Stopwatch.Frequency);
            var work = loops.Select(loop => Task.Run(() => StreamAsync(loop, from, begin + (long)(duration.TotalSeconds * Stopwatch.Frequency), cancellationToken), cancellationToken)).ToList();
            await Task.Delay(Stopwatch.GetElapsedTime(begin, from), cancellationToken);
            var (own, all, start) = (server.ProcessorTime, Scaling.Machine.ProcessorTime, Stopwatch.GetTimestamp());
            double[] milliseconds = [.. (await Task.WhenAll(work)).SelectMany(static one => one)];
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            double computed = server.ProcessorTime - own;
            return new Round(
                milliseconds.Length / seconds,
                1000 * computed / milliseconds.Length,
                milliseconds,
                server.ResidentBytes,
                (Scaling.Machine.ProcessorTime - all - computed) / seconds);
        }
        finally
        {
            foreach (var loop in loops)
            {
                loop.Dispose();
            }
        }
    }

    /// <returns>Milliseconds of each frame that counts.</returns>
    private static async Task<List<double>> StreamAsync(ClosedLoop loop, long from, long until, CancellationToken cancellationToken)
    {
        var milliseconds = new List<double>();
        while (Stopwatch.GetTimestamp() < until)
        {
            var (_, elapsed) = await loop.AnalyzeAsync(cancellationToken);
            if (Stopwatch.GetTimestamp() >= from)
            {
                milliseconds.Add(elapsed.TotalMilliseconds);
            }
        }

        return milliseconds;
    }

    private sealed record Round(double FramesPerSecond, double ProcessorMilliseconds, double[] Milliseconds, long ResidentBytes, double Others);
}

/// <summary>Of one server with a number of streams: medians of the rounds, latencies of all their frames.</summary>
/// <param name="ProcessorMilliseconds">Of the server and its children, for each frame.</param>
/// <param name="P50">Milliseconds from sending a frame to its result.</param>
/// <param name="P99">As <paramref name="P50"/>.</param>
/// <param name="ResidentMebibytes">The most at the end of a round.</param>
/// <param name="Others">Processors that everything else took, the sender of the frames included.</param>
internal sealed record Figures(double FramesPerSecond, double ProcessorMilliseconds, double P50, double P99, double ResidentMebibytes, double Others);
