namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Frames of a stream, one after the other, that never came out of it.</summary>
/// <param name="Count">How many.</param>
/// <param name="FirstNumber">The place of the first in the stream, from 0.</param>
/// <param name="From">Its time, in seconds.</param>
/// <param name="Step">Seconds from one to the next.</param>
/// <param name="Reason">What became of each, in words that may follow "frame 7".</param>
internal sealed record Loss(long Count, long FirstNumber, double From, double Step, string Reason)
{
    /// <summary>To the microsecond.</summary>
    public double TimeOf(long index) => Math.Round(From + (index * Step), 6);
}
