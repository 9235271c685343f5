using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Gives an engine its meter and keeps what it measures. Thread-safe.</summary>
internal sealed class MeasuredEngine : IMeterFactory
{
    private readonly List<Meter> _meters = [];
    private readonly ConcurrentQueue<Measurement> _measured = new();
    private readonly MeterListener _listener;

    public MeasuredEngine()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (_meters.Contains(instrument.Meter))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.Start();
    }

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    /// <summary>What an instrument measured, in order.</summary>
    public List<Measurement> Of(string instrument) => [.. _measured.Where(measurement => measurement.Instrument == instrument)];

    public void Dispose()
    {
        _listener.Dispose();
        _meters.ForEach(static meter => meter.Dispose());
    }

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Enqueue(new Measurement(instrument.Name, value, [.. tags.ToArray().Select(static tag => $"{tag.Value}")]));

    /// <param name="TagValues">In the order in which the instrument gives them.</param>
    internal sealed record Measurement(string Instrument, double Value, IReadOnlyList<string> TagValues)
    {
        /// <summary>The first.</summary>
        public string? Tag => TagValues.Count > 0 ? TagValues[0] : null;

        public string Tags => string.Join(' ', TagValues);
    }
}
