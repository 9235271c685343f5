namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>Capture times as numbers that can be told apart and subtracted.</summary>
internal static class SessionTimes
{
    private const long First = -62_135_596_800;
    private const long Last = 253_402_300_799;
    private const int TickNanoseconds = 100;

    /// <summary>Whether it is none, or one that the wire can say.</summary>
    public static bool IsValid(CaptureTime? time) => time is null or { Nanoseconds: >= 0 and < 1_000_000_000, Seconds: >= First and <= Last };

    /// <summary>Of <see cref="TimeSpan.TicksPerSecond"/>; two of them are never further apart than a <see cref="long"/> holds.</summary>
    public static long TicksOf(CaptureTime time) => (time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TickNanoseconds);
}
