using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>What a benchmark does.</summary>
internal sealed record BenchPlan
{
    public required int Streams { get; init; }

    /// <summary>Closed loop: frames that each stream keeps in flight. Null: frames come at times of their own.</summary>
    public int? Window { get; init; }

    /// <summary>Open loop: when the frames of a stream are due, seconds from the start. Null: closed loop.</summary>
    public Func<int, IEnumerable<double>>? Arrivals { get; init; }

    /// <summary>For people: closed, even, poisson or trace.</summary>
    public required string Load { get; init; }

    /// <summary>Frames a second of all streams together, as asked for; null where nobody asked.</summary>
    public double? Rate { get; init; }

    /// <summary>Before anything is counted.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>How long is counted.</summary>
    public required TimeSpan Length { get; init; }

    public required IReadOnlyList<byte[]> Pictures { get; init; }

    public required DeliveryPolicy Delivery { get; init; }

    public required MaskPolicy Mask { get; init; }

    public required bool Adapts { get; init; }

    /// <summary>Empty: the server's first.</summary>
    public required string Model { get; init; }
}
