namespace LoupeGrpc.Client.Cli.Events;

/// <summary>What became of an attempt to deliver an event.</summary>
/// <param name="Kind">Whether, and what now.</param>
/// <param name="Reason">Why not, for people; without credentials.</param>
internal sealed record Delivery(DeliveryKind Kind, string Reason = "")
{
    public static Delivery Delivered { get; } = new(DeliveryKind.Delivered);

    /// <summary>How long the receiver wants to be left alone; null: it does not say.</summary>
    public TimeSpan? Pause { get; init; }

    public static Delivery Later(string reason) => new(DeliveryKind.Later, reason);
}

internal enum DeliveryKind
{
    /// <summary>The receiver has it.</summary>
    Delivered,

    /// <summary>It may work later.</summary>
    Later,

    /// <summary>The receiver does not want this event, now or ever; others it may.</summary>
    EventRefused,

    /// <summary>The receiver wants nothing from us until somebody changes something.</summary>
    SenderRefused,
}
