using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Diagnostics;

public sealed class EngineMetricsTests
{
    [Fact]
    public async Task Frames_stages_and_waiting_are_measured()
    {
        using var meters = new Meters();
        var measured = new ConcurrentBag<(string Instrument, double Value, string? Tag)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (meters.Contains(instrument.Meter))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => measured.Add((instrument.Name, value, Tag(tags))));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured.Add((instrument.Name, value, Tag(tags))));
        listener.Start();

        await using (var engine = await LoupeEngine.StartAsync(
            TestPackages.Tiny("tiny-s"),
            new EngineOptions(),
            ExecutionTarget.Cpu,
            NullLoggerFactory.Instance,
            TimeProvider.System,
            TestContext.Current.CancellationToken,
            meters))
        {
            await engine.AnalyzedAsync(Frames.Noise(20, 20));
            await engine.AnalyzedAsync(Frames.Noise(20, 20), new AnalysisRequest { MaskPolicy = MaskPolicy.Never });
            await engine.FailedAsync(new EncodedInput("?"u8.ToArray()));
        }

        Assert.Equal(["analyzed", "analyzed", "invalid"], Of("loupe.frames").Select(static m => m.Tag).Order(StringComparer.Ordinal));
        Assert.Equal(0, Of("loupe.frames.in_flight").Sum(static m => m.Value));
        Assert.Equal(6, Of("loupe.frames.in_flight").Count);
        Assert.Equal(2, Of("loupe.queue.duration").Count);
        Assert.Equal(
            ["decode", "decode", "encode", "encode", "mask", "preprocess", "preprocess", "segment"],
            Of("loupe.stage.duration").Select(static m => m.Tag).Order(StringComparer.Ordinal));
        Assert.All(Of("loupe.stage.duration"), static m => Assert.InRange(m.Value, 0, 60));

        List<(string Instrument, double Value, string? Tag)> Of(string name) => [.. measured.Where(m => m.Instrument == name)];
    }

    private static string? Tag(ReadOnlySpan<KeyValuePair<string, object?>> tags) => tags.IsEmpty ? null : (string?)tags[0].Value;

    private sealed class Meters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public bool Contains(Meter meter) => _meters.Contains(meter);

        public void Dispose() => _meters.ForEach(static meter => meter.Dispose());
    }
}
