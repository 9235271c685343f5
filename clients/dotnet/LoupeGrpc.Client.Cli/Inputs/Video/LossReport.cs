using System.Globalization;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Tells people which frames of a stream were not analysed: once for each stretch, not once for each frame. Not thread-safe.</summary>
/// <param name="label">The stream, without credentials.</param>
/// <param name="notify">Where it is told.</param>
/// <param name="time">Of a stream that loses frames all the time, a stretch now and then is enough.</param>
internal sealed class LossReport(string label, Action<string> notify, TimeProvider time)
{
    private const int OneByOne = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private (long First, long Last, double From, double To, string Reason)? _stretch;
    private int _stretches;
    private long _told;
    private long _untold;

    public void Add(Loss loss) => Add(loss.FirstNumber, loss.Count, loss.From, loss.TimeOf(loss.Count - 1), loss.Reason);

    public void Add(FrameEntry frame) => Add(frame.Number, 1, frame.Seconds, frame.Seconds, frame.Damage!);

    /// <summary>A frame that is as it should be, or the end: what was lost before it is told.</summary>
    public void Flush(bool isEnd = false)
    {
        if (_stretch is { } stretch)
        {
            _stretch = null;
            if (_stretches++ < OneByOne || time.GetElapsedTime(_told) >= Pause)
            {
                _told = time.GetTimestamp();
                notify(Text(stretch));
            }
            else
            {
                _untold += stretch.Last - stretch.First + 1;
            }
        }

        if (isEnd && _untold > 0)
        {
            notify(Invariant($"warning: {label}: {_untold} further frames were not analysed: they are lost or may be damaged"));
            _untold = 0;
        }
    }

    private void Add(long first, long count, double from, double to, string reason)
    {
        if (_stretch is { } stretch && stretch.Last + 1 == first)
        {
            _stretch = stretch with { Last = first + count - 1, To = to };
            return;
        }

        Flush();
        _stretch = (first, first + count - 1, from, to, reason);
    }

    private string Text((long First, long Last, double From, double To, string Reason) stretch) => stretch.First == stretch.Last
        ? Invariant($"warning: {label}: frame {stretch.First} ({stretch.From:0.000} s) {stretch.Reason}")
        : Invariant(
            $"warning: {label}: frames {stretch.First} to {stretch.Last} ({stretch.From:0.000} s to {stretch.To:0.000} s) were not analysed: frame {stretch.First} {stretch.Reason}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
