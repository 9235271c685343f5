using LoupeGrpc.Engine;

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

        _last = new LastFrame(frame.Sequence, ticks, PauseBefore(frame, ticks));
        Push(new EvidenceFrame(frame.Sequence, frame.Time, frame.Score), ticks);
        Judge(frame.Thresholds);
        return Current(counted: true);
    }

    /// <summary>A frame with a result that does not count: nothing changes.</summary>
    public TemporalVerdict Hold() => Current(counted: false);

    /// <summary>The segments so far, the one that goes on last.</summary>
    public (IReadOnlyList<TemporalSegment> Segments, bool Truncated) Segments() => _segments.ToList();

    /// <summary>A copy.</summary>
    public TemporalState Save()
    {
        var (frames, ticks) = (new EvidenceFrame[_count], new long[_count]);
        for (int i = 0; i < _count; i++)
        {
            (frames[i], ticks[i]) = (_frames[At(i)], _ticks[At(i)]);
        }

        return new TemporalState(frames, ticks, _verdict, _score, _scenes, _last, _change.Save(), _segments.Save());
    }

    private void Restore(TemporalState state)
    {
        for (int i = 0; i < state.Frames.Count; i++)
        {
            Put(i, state.Frames[i], state.Ticks[i]);
        }

        _count = state.Frames.Count;
        (_verdict, _score, _scenes, _last) = (state.Verdict, state.Score, state.Scenes, state.Last);
        _change.Restore(state.Scene);
        _segments.Restore(state.Segments);
    }

    private TemporalVerdict Current(bool counted) => new(_verdict, _score, _count, counted, _scenes == 0 ? 0 : _scenes - 1, _segments.Since);

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
        _segments.Close();
        _verdict = Verdict.Uncertain;
        (_oldest, _count) = (0, 0);
        _scenes++;
    }

    private void Push(EvidenceFrame frame, long ticks)
    {
        if (_count == _settings.MaxFrames)
        {
            Pop();
        }

        Put(_count, frame, ticks);
        _count++;
        while (_count > _settings.MinFrames && _ticks[_oldest] != LastFrame.NoTime && ticks - _ticks[_oldest] > _settings.Window.Ticks)
        {
            Pop();
        }
    }

    private void Pop()
    {
        _oldest = At(1);
        _count--;
    }

    private void Put(int place, EvidenceFrame frame, long ticks)
    {
        int at = At(place);
        (_frames[at], _ticks[at], _logits[at]) = (frame, ticks, LogitOf(frame.Score));
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
            manipulated += IsManipulated(At(i), thresholds) ? 1 : 0;
            sum += Math.Clamp(_logits[At(i)], low - Influence, high + Influence);
        }

        double mean = sum / _count;
        _score = (float)(1 / (1 + Math.Exp(-mean)));
        bool holds = manipulated >= _settings.MinFrames && (mean >= high || 2 * manipulated > _count);
        bool isManipulated = IsManipulated(At(_count - 1), thresholds);
        if (_verdict == Verdict.Manipulated)
        {
            _segments.Add(_frames[At(_count - 1)], isManipulated);
        }

        if (_verdict != Verdict.Manipulated && holds && isManipulated)
        {
            _verdict = Verdict.Manipulated;
            OpenSegment(thresholds);
        }
        else if (!holds && mean < low && _count >= _settings.MinFrames)
        {
            _verdict = Verdict.Authentic;
            _segments.Close();
        }
        else if (_verdict == Verdict.Authentic && mean >= (low + high) / 2)
        {
            _verdict = Verdict.Uncertain;
        }
    }

    /// <summary>
    /// With the frames of the window from which on they are manipulated: from there to the newest, those that are outnumber those that are not by most; of several such
    /// places the latest. What is in the segment before is not in this one too.
    /// </summary>
    private void OpenSegment(VerdictThresholds thresholds)
    {
        int begin = _count - 1, excess = 0, most = int.MinValue;
        for (int i = _count - 1; i >= 0 && _frames[At(i)].Sequence >= _segments.End; i--)
        {
            excess += IsManipulated(At(i), thresholds) ? 1 : -1;
            if (excess > most && IsManipulated(At(i), thresholds))
            {
                (begin, most) = (i, excess);
            }
        }

        _segments.Open(_scenes - 1);
        for (int i = begin; i < _count; i++)
        {
            _segments.Add(_frames[At(i)], IsManipulated(At(i), thresholds));
        }
    }

    private bool IsManipulated(int at, VerdictThresholds thresholds) => _frames[at].Score >= thresholds.High;

    private static double LogitOf(float score) => Math.Clamp(Math.Log(score / (1.0 - score)), -LogitLimit, LogitLimit);
}

/// <param name="Frames">Of the window, oldest first.</param>
/// <param name="Ticks">Of each of them.</param>
/// <param name="Last">Null: there was none.</param>
internal sealed record TemporalState(
    IReadOnlyList<EvidenceFrame> Frames,
    IReadOnlyList<long> Ticks,
    Verdict Verdict,
    float Score,
    ulong Scenes,
    LastFrame? Last,
    SceneState Scene,
    SegmentState Segments)
{
    /// <param name="settings">Of the session.</param>
    public bool IsValid(TemporalSettings settings) =>
        Frames.Count == Ticks.Count && Frames.Count <= settings.MaxFrames
        && Frames.All(static frame => frame.Score is >= 0 and <= 1 && SessionTimes.IsValid(frame.Time))
        && Enum.IsDefined(Verdict) && Score is >= 0 and <= 1
        && Last is not null == Frames.Count > 0 && Last is not null == Scenes > 0
        && Scene.IsValid && Segments.IsValid(settings.MaxSegments)
        && (Verdict == Verdict.Manipulated) == Segments.Open is not null;
}

/// <summary>Of the last frame that counted.</summary>
/// <param name="Ticks">Its time.</param>
/// <param name="Pause">From the one before it.</param>
internal sealed record LastFrame(ulong Sequence, long Ticks, long Pause)
{
    /// <summary>In place of a time that is not known: before all others.</summary>
    public const long NoTime = long.MinValue;
}
