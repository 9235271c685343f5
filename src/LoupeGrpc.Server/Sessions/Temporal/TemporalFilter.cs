using LoupeGrpc.Engine;
using LoupeGrpc.Quality;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>
/// From the scores of a session's frames, one after the other, to a verdict that holds over time. The window has the last frames. Their logits are averaged, each within
/// <see cref="Influence"/> of the thresholds, so that no single frame outweighs all others. The verdict becomes manipulated with a frame that is so by itself, when the mean
/// reaches the upper threshold or more than half of the window does by itself, with <see cref="TemporalSettings.MinFrames"/> that do; it stays until neither holds and the
/// mean is below the lower one. So manipulation that lasts is found at the latest when it fills more than half of the window, however weak, and in as few as
/// <see cref="TemporalSettings.MinFrames"/> frames where it is strong. A scene cut, and a gap in time, empties the window.
/// <para>The same frames give the same verdicts to the last bit, also where the state was saved and restored between them. Memory is bounded by the settings. Not thread-safe.</para>
/// </summary>
internal sealed class TemporalFilter
{
    /// <summary>How far beyond a threshold a logit still counts.</summary>
    public const double Influence = 4;

    /// <summary>Times the window, and times the pause before: a longer pause is a gap.</summary>
    public const int GapFactor = 8;

    /// <summary>Scores of 0 and 1 have logits too.</summary>
    private const double LogitLimit = 16;

    private readonly TemporalSettings _settings;
    private readonly SceneChange _change;
    private readonly SegmentRecorder _segments;

    // The window, a ring.
    private readonly EvidenceFrame[] _frames;
    private readonly long[] _ticks;
    private readonly double[] _logits;
    private readonly bool[] _manipulated;
    private int _oldest;
    private int _count;

    private Verdict _verdict = Verdict.Uncertain;
    private float _score;
    private ulong _scenes;
    private LastFrame? _last;

    /// <param name="settings">Valid.</param>
    /// <param name="state">As it was saved, of the same settings; null: it begins.</param>
    public TemporalFilter(TemporalSettings settings, TemporalState? state = null)
    {
        _settings = settings;
        _change = new SceneChange(settings.CutChange);
        _segments = new SegmentRecorder(settings.MaxSegments);
        _frames = new EvidenceFrame[settings.MaxFrames];
        _ticks = new long[settings.MaxFrames];
        _logits = new double[settings.MaxFrames];
        _manipulated = new bool[settings.MaxFrames];
        if (state is not null)
        {
            Restore(state);
        }
    }

    /// <summary>Scenes so far.</summary>
    public ulong Scenes => _scenes;

    /// <summary>Takes the next frame in.</summary>
    public TemporalVerdict Add(in JudgedFrame frame)
    {
        bool isCut = _change.Add(frame.ColorLayout.Span);
        long ticks = NextTicks(frame, out bool isGap);
        if (_last is null || isCut || isGap)
        {
            BeginScene();
        }

        if (_last is { Ticks: LastFrame.NoTime } && ticks != LastFrame.NoTime)
        {
            // Nothing is known of those before; nothing speaks for a pause.
            Array.Fill(_ticks, ticks);
        }

        _last = new LastFrame(frame.Sequence, ticks, PauseBefore(frame, ticks));
        Push(new EvidenceFrame(frame.Sequence, frame.Time, frame.Score), ticks, frame.Thresholds.VerdictOf(frame.Score) == Verdict.Manipulated);
        Judge(frame.Thresholds);
        return Current(counted: true);
    }

    /// <summary>A frame with a result that does not count: nothing changes.</summary>
    public TemporalVerdict Hold() => Current(counted: false);

    /// <summary>The segments so far, the one that goes on last.</summary>
    public (IReadOnlyList<TemporalSegment> Segments, bool Truncated) Segments()
    {
        if (_segments.Open is not { } open)
        {
            return _segments.ToList(null);
        }

        var copy = new SegmentBuilder();
        copy.Restore(open.Save());
        Complete(copy);
        return _segments.ToList(copy.ToSegment());
    }

    /// <summary>A copy.</summary>
    public TemporalState Save()
    {
        var window = new WindowFrame[_count];
        for (int i = 0; i < _count; i++)
        {
            window[i] = new WindowFrame(_frames[At(i)], _ticks[At(i)], _manipulated[At(i)]);
        }

        return new TemporalState(window, _verdict, _score, _scenes, _last, _change.Save(), _segments.Save());
    }

    private void Restore(TemporalState state)
    {
        foreach (var (frame, ticks, isManipulated) in state.Window)
        {
            Put(frame, ticks, isManipulated);
        }

        (_verdict, _score, _scenes, _last) = (state.Verdict, state.Score, state.Scenes, state.Last);
        _change.Restore(state.Scene);
        _segments.Restore(state.Segments);
    }

    private TemporalVerdict Current(bool counted) => new(_verdict, _score, _count, counted, _scenes == 0 ? 0 : _scenes - 1, _segments.Open?.Since ?? 0);

    /// <summary>The frame's time, never before that of the frame before it; <see cref="LastFrame.NoTime"/>: nothing is known.</summary>
    /// <param name="isGap">What lies between the two cannot be judged together.</param>
    private long NextTicks(in JudgedFrame frame, out bool isGap)
    {
        isGap = false;
        long ticks = frame.Time is { } time ? SessionTimes.TicksOf(time) : LastFrame.NoTime;
        if (_last is not { } last)
        {
            return ticks;
        }

        if (ticks == LastFrame.NoTime || last.Ticks == LastFrame.NoTime)
        {
            ulong pause = frame.Sequence - last.Sequence;
            isGap = pause / GapFactor > (ulong)_settings.MaxFrames && pause / GapFactor > (ulong)last.Pause;
            return ticks == LastFrame.NoTime ? last.Ticks : ticks;
        }

        long since = ticks - last.Ticks;
        // A camera's clock that was set; frames a little out of order are as good as simultaneous.
        isGap = since < -_settings.Window.Ticks || (since / GapFactor > _settings.Window.Ticks && since / GapFactor > last.Pause);
        return isGap ? ticks : Math.Max(ticks, last.Ticks);
    }

    /// <summary>From the frame before, in ticks, or in frames where there are no times.</summary>
    private long PauseBefore(in JudgedFrame frame, long ticks)
    {
        if (_last is not { } last)
        {
            return 0;
        }

        return ticks == LastFrame.NoTime || last.Ticks == LastFrame.NoTime
            ? (long)Math.Min(frame.Sequence - last.Sequence, long.MaxValue)
            : Math.Max(0, ticks - last.Ticks);
    }

    private void BeginScene()
    {
        EndSegment();
        _verdict = Verdict.Uncertain;
        (_oldest, _count) = (0, 0);
        _scenes++;
    }

    private void Push(EvidenceFrame frame, long ticks, bool isManipulated)
    {
        if (_count == _settings.MaxFrames)
        {
            Pop();
        }

        Put(frame, ticks, isManipulated);
        while (_count > _settings.MinFrames && ticks != LastFrame.NoTime && ticks - _ticks[_oldest] > _settings.Window.Ticks)
        {
            Pop();
        }
    }

    /// <summary>What leaves the window stays in its segment.</summary>
    private void Pop()
    {
        if (_segments.Open is { } open && _frames[_oldest].Sequence >= open.Since)
        {
            open.Add(_frames[_oldest], _manipulated[_oldest]);
        }

        _oldest = At(1);
        _count--;
    }

    private void Put(EvidenceFrame frame, long ticks, bool isManipulated)
    {
        int at = At(_count++);
        (_frames[at], _ticks[at], _logits[at], _manipulated[at]) = (frame, ticks, LogitOf(frame.Score), isManipulated);
    }

    /// <param name="place">From the oldest.</param>
    private int At(int place) => (_oldest + place) % _settings.MaxFrames;

    private void Judge(VerdictThresholds thresholds)
    {
        double low = LogitOf(thresholds.Low), high = LogitOf(thresholds.High);
        int manipulated = 0;
        double sum = 0;
        for (int i = 0; i < _count; i++)
        {
            manipulated += _manipulated[At(i)] ? 1 : 0;
            sum += Math.Clamp(_logits[At(i)], low - Influence, high + Influence);
        }

        double mean = sum / _count;
        _score = (float)Logits.Sigmoid(mean);
        bool holds = manipulated >= _settings.MinFrames && (mean >= high || 2 * manipulated > _count);
        if (_verdict != Verdict.Manipulated && holds && _manipulated[At(_count - 1)])
        {
            _verdict = Verdict.Manipulated;
            BeginSegment();
        }
        else if (!holds && mean < low && _count >= _settings.MinFrames)
        {
            _verdict = Verdict.Authentic;
            EndSegment();
        }
        else if (_verdict == Verdict.Authentic && mean >= (low + high) / 2)
        {
            _verdict = Verdict.Uncertain;
        }
    }

    /// <summary>
    /// Where the manipulated frames begin: from there to the newest, those that are outnumber those that are not by most; of several such places the latest. What is in the
    /// segment before is not in this one too.
    /// </summary>
    private void BeginSegment()
    {
        int begin = _count - 1, excess = 0, most = int.MinValue;
        for (int i = _count - 1; i >= 0 && _frames[At(i)].Sequence >= _segments.End; i--)
        {
            excess += _manipulated[At(i)] ? 1 : -1;
            if (excess > most && _manipulated[At(i)])
            {
                (begin, most) = (i, excess);
            }
        }

        _segments.Begin(_frames[At(begin)].Sequence, _scenes - 1);
    }

    private void EndSegment()
    {
        if (_segments.Open is { } open)
        {
            Complete(open);
            _segments.Close();
        }
    }

    /// <summary>
    /// Adds what the window has of a segment, up to where the manipulated frames end: behind it, those that are not outnumber those that are by most; of several such places
    /// the latest.
    /// </summary>
    private void Complete(SegmentBuilder segment)
    {
        int end = -1;
        long excess = 0, most = long.MinValue;
        int i = _count - 1;
        for (; i >= 0 && _frames[At(i)].Sequence >= segment.Since; i--)
        {
            if (_manipulated[At(i)] && excess > most)
            {
                (end, most) = (i, excess);
            }

            excess += _manipulated[At(i)] ? -1 : 1;
        }

        // It may have ended before the window.
        end = segment.HasFrames && excess + (long)segment.Behind > most ? -1 : end;
        for (i++; i <= end; i++)
        {
            segment.Add(_frames[At(i)], _manipulated[At(i)]);
        }
    }

    private static double LogitOf(float score) => Math.Clamp(Math.Log(score / (1.0 - score)), -LogitLimit, LogitLimit);
}

/// <summary>What a <see cref="TemporalFilter"/> has.</summary>
/// <param name="Window">Oldest first.</param>
/// <param name="Last">Null: there was none.</param>
internal sealed record TemporalState(
    IReadOnlyList<WindowFrame> Window, Verdict Verdict, float Score, ulong Scenes, LastFrame? Last, SceneState Scene, SegmentState Segments)
{
    /// <param name="settings">Of the session.</param>
    public bool IsValid(TemporalSettings settings) =>
        Window.Count <= settings.MaxFrames
        && Window.All(static one => one.Frame.Score is >= 0 and <= 1 && SessionTimes.IsValid(one.Frame.Time))
        && Window.Zip(Window.Skip(1)).All(static pair => pair.First.Frame.Sequence < pair.Second.Frame.Sequence)
        && Enum.IsDefined(Verdict) && Score is >= 0 and <= 1
        && Last is not null == Window.Count > 0 && Last is not null == Scenes > 0 && Last is not { Pause: < 0 }
        && Scene.IsValid && Segments.IsValid(settings.MaxSegments)
        && (Verdict == Verdict.Manipulated) == Segments.Open is not null
        && (Segments.Open is not { Results: 0 } open || Window.Any(one => one.IsManipulated && one.Frame.Sequence == open.Since));
}

/// <param name="Ticks">Its time.</param>
/// <param name="IsManipulated">By itself.</param>
internal readonly record struct WindowFrame(EvidenceFrame Frame, long Ticks, bool IsManipulated);

/// <summary>Of the last frame that counted.</summary>
/// <param name="Ticks">Its time.</param>
/// <param name="Pause">From the one before it.</param>
internal readonly record struct LastFrame(ulong Sequence, long Ticks, long Pause)
{
    /// <summary>In place of a time that is not known: before all others.</summary>
    public const long NoTime = long.MinValue;
}
