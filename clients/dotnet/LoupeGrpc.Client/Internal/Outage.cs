namespace LoupeGrpc.Client.Internal;

/// <summary>
/// A time without a useful connection: from the first break until a connection brought an answer. Connections that come and go
/// without one belong to the same outage, so that pauses grow and its limit holds.
/// </summary>
/// <param name="window">How long the server keeps the session.</param>
internal sealed class Outage(TimeSpan window, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>Attempts so far to end it, those that led to a connection among them.</summary>
    public int Attempts { get; set; }

    public TimeSpan Elapsed => time.GetElapsedTime(_started);

    public TimeSpan Left => window - Elapsed;
}
