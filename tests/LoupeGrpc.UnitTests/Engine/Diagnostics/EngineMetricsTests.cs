using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Engine.Adaptation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Diagnostics;

public sealed class EngineMetricsTests
{
    [Fact]
    public async Task Frames_stages_and_waiting_are_measured()
    {
        using var meters = new Meters();
        using var listener = meters.Listen(out var measured);
        await using (var engine = await StartAsync(TestPackages.Tiny("tiny-s"), meters))
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

        List<(string Instrument, double Value, string Tag)> Of(string name) => [.. measured.Where(m => m.Instrument == name)];
    }

    [Fact]
    public async Task Steps_of_adaptation_and_what_the_guard_does_are_counted()
    {
        using var meters = new Meters();
        using var listener = meters.Listen(out var measured);
        await using (var engine = await StartAsync(TestPackages.Nano, meters))
        {
            var frame = Frames.File(ReferenceStream.Read("scale").Frames[0].Path);
            await engine.AnalyzedAsync(frame, Frames.WithMask with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { StepsPerFrame = 3 }) });

            // A bound that the first step passes: it is taken back, and counts as none.
            var bounds = new GuardSettings { MaxDrift = 1e-9f };
            await engine.AnalyzedAsync(frame, Frames.WithMask with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { Guard = bounds }) });
            await engine.AnalyzedAsync(
                frame,
                Frames.WithMask with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { Guard = bounds with { Action = GuardAction.Freeze } }) });
        }

        Assert.Equal(3, measured.Where(static m => m.Instrument == "loupe.adaptation.steps").Sum(static m => m.Value));
        Assert.Equal(
            ["freeze drift", "roll_back drift"],
            measured.Where(static m => m.Instrument == "loupe.adaptation.guard_events").Select(static m => m.Tag).Order(StringComparer.Ordinal));
    }

    private static Task<LoupeEngine> StartAsync(ModelPackage package, Meters meters) => LoupeEngine.StartAsync(
        package, new EngineOptions(), ExecutionTarget.Cpu, NullLoggerFactory.Instance, TimeProvider.System, TestContext.Current.CancellationToken, meters);

    private sealed class Meters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        /// <summary>Everything that is measured from now on; several tags are one text.</summary>
        public MeterListener Listen(out ConcurrentBag<(string Instrument, double Value, string Tag)> measured)
        {
            var bag = measured = [];
            var listener = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (_meters.Contains(instrument.Meter))
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => bag.Add((instrument.Name, value, Text(tags))));
            listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => bag.Add((instrument.Name, value, Text(tags))));
            listener.Start();
            return listener;
        }

        private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(' ', tags.ToArray().Select(static tag => tag.Value));

        public void Dispose() => _meters.ForEach(static meter => meter.Dispose());
    }
}
