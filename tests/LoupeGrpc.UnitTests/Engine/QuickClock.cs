namespace LoupeGrpc.UnitTests.Engine;

/// <summary>
/// Moves only when it is read, for each thread by itself: whatever one thread measures takes the same time, a run of many frames as a run of one, so that
/// many are preferred wherever many wait. What is measured across threads means nothing.
/// </summary>
internal sealed class QuickClock : TimeProvider
{
    [ThreadStatic]
    private static long _reads;

    public override long TimestampFrequency => 1_000_000;

    public override long GetTimestamp() => ++_reads;
}
