using System.Collections.Concurrent;
using System.Diagnostics;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.Benchmarks;

/// <summary>The engine with as many callers as fill its batches, each sending one frame after the other.</summary>
internal sealed class EngineLoad(LoupeEngine engine, int callers) : IAsyncDisposable
{
    private static readonly AnalysisRequest Request = new() { MaskPolicy = MaskPolicy.Always };

    private readonly RawInput _frame = NoiseFrame.Of(engine.Package);

    public static async Task<EngineLoad> StartAsync(ModelPackage package, ExecutionTarget target, CancellationToken cancellationToken) => new(
        await LoupeEngine.StartAsync(package, new EngineOptions(), target, NullLoggerFactory.Instance, TimeProvider.System, cancellationToken),
        2 * target.Buckets[^1]);

    /// <summary>Two seconds.</summary>
    /// <param name="latencies">Gets the milliseconds of each frame.</param>
    /// <returns>Frames a second.</returns>
    public async Task<double> RunAsync(List<double> latencies, CancellationToken cancellationToken)
    {
        var measured = new ConcurrentBag<double>();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async _ =>
        {
            while (clock.Elapsed < GraphsAlone.Duration)
            {
                long start = Stopwatch.GetTimestamp();
                var outcome = await engine.AnalyzeAsync(_frame, Request, cancellationToken);
                if (!outcome.Succeeded)
                {
                    throw new InvalidOperationException(outcome.Failure.Message);
                }

                measured.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }));
        latencies.AddRange(measured);
        return measured.Count / clock.Elapsed.TotalSeconds;
    }

    public ValueTask DisposeAsync() => engine.DisposeAsync();
}
