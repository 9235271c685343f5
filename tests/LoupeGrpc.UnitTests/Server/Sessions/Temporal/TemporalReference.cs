using System.Numerics;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.UnitTests.Server.Sessions.Temporal;

/// <summary>What <see cref="TemporalFilter"/> does, written plainly: every frame is kept, and everything is found anew for each, in numbers without a limit.</summary>
internal sealed class TemporalReference(TemporalSettings settings)
{
    private readonly List<Seen> _all = [];
    private readonly List<Stretch> _segments = [];
    private Verdict _verdict = Verdict.Uncertain;
    private Stretch? _open;
    private byte[] _layout = [];
    private double _usual;

    public int Scenes { get; private set; }

    public IReadOnlyList<Segment> Segments => [.. _segments.Select(static stretch =>
    {
        var frames = stretch.Frames;
        // In the window, or the last before it.
        int before = frames.FindLastIndex(frame => frame.IsManipulated && !stretch.Window.Contains(frame));
        var ends = frames.Index().Where(frame => frame.Item.IsManipulated && (frame.Index == before || stretch.Window.Contains(frame.Item))).Select(static frame => frame.Index);
        int end = ends.OrderByDescending(at => frames[(at + 1)..].Sum(static frame => frame.IsManipulated ? -1 : 1)).ThenByDescending(static at => at).First();
        var judged = frames[..(end + 1)];
        var peak = judged.Where(static frame => frame.IsManipulated).MaxBy(static frame => frame.Score)!;
        return new Segment(judged[0].Sequence, judged[^1].Sequence, judged.Count, judged.Count(static frame => frame.IsManipulated), peak.Sequence, frames[0].Scene);
    })];

    public (Verdict Verdict, double Score, int Frames, int Scene, ulong Since) Add(JudgedFrame frame)
    {
        var time = TimeOf(frame.Time);
        var last = _all.LastOrDefault();
        bool gap = false;
        var effective = time ?? last?.Time;
        BigInteger pause = 0;
        if (last is not null)
        {
            pause = frame.Sequence - last.Sequence;
            if (time is null || last.Time is null)
            {
                gap = pause / 8 > settings.MaxFrames && pause / 8 > last.Pause;
            }
            else
            {
                var since = time.Value - last.Time.Value;
                gap = since < -settings.Window.Ticks || (since / 8 > settings.Window.Ticks && since / 8 > last.Pause);
                effective = gap ? time : BigInteger.Max(time.Value, last.Time.Value);
                pause = BigInteger.Max(0, effective!.Value - last.Time.Value);
            }
        }

        bool cut = IsCut(frame.ColorLayout.ToArray());
        if (last is null || gap || cut)
        {
            Scenes++;
            _verdict = Verdict.Uncertain;
            _open = null;
        }

        if (last is { Time: null } && effective is not null)
        {
            _all.ForEach(seen => seen.Time = effective);
        }

        var (low, high) = (LogitOf(frame.Thresholds.Low), LogitOf(frame.Thresholds.High));
        _all.Add(new Seen(frame.Sequence, pause, frame.Score, frame.Score >= frame.Thresholds.High, Scenes - 1) { Time = effective });
        var scene = _all.Where(seen => seen.Scene == Scenes - 1).TakeLast(settings.MaxFrames).ToList();
        var window = scene.Where((seen, place) => scene.Count - place <= settings.MinFrames || seen.Time is null || effective!.Value - seen.Time.Value <= settings.Window.Ticks).ToList();
        // What has left does not come back: with times that do not go back it never would.
        int manipulated = window.Count(static seen => seen.IsManipulated);
        double mean = window.Select(seen => Math.Clamp(LogitOf(seen.Score), low - 4, high + 4)).Aggregate(0.0, static (sum, logit) => sum + logit) / window.Count;
        bool holds = manipulated >= settings.MinFrames && (mean >= high || manipulated > window.Count - manipulated);
        _open?.Add(_all[^1], window);
        if (_verdict != Verdict.Manipulated && holds && frame.Score >= frame.Thresholds.High)
        {
            _verdict = Verdict.Manipulated;
            ulong free = _segments.Count == 0 ? 0 : Segments[^1].Last + 1;
            var candidates = window.Where(seen => seen.Sequence >= free && seen.IsManipulated);
            var begin = candidates.OrderByDescending(seen => window.Where(other => other.Sequence >= seen.Sequence).Sum(static other => other.IsManipulated ? 1 : -1)).ThenByDescending(static seen => seen.Sequence).First();
            _open = new Stretch([.. window.Where(seen => seen.Sequence >= begin.Sequence)], window);
            _segments.Add(_open);
        }
        else if (!holds && mean < low && window.Count >= settings.MinFrames)
        {
            _verdict = Verdict.Authentic;
            _open = null;
        }
        else if (_verdict == Verdict.Authentic && mean >= (low + high) / 2)
        {
            _verdict = Verdict.Uncertain;
        }

        return (_verdict, 1 / (1 + Math.Exp(-mean)), window.Count, Scenes - 1, _verdict == Verdict.Manipulated ? _open!.Frames[0].Sequence : 0);
    }

    private bool IsCut(byte[] layout)
    {
        if (layout.Length == 0)
        {
            return false;
        }

        if (_layout.Length == 0)
        {
            _layout = layout;
            return false;
        }

        var differences = layout.Zip(_layout, static (after, before) => (decimal)(after - before)).ToList();
        decimal brighter = differences.Sum() / layout.Length;
        double change = (double)(differences.Sum(difference => Math.Abs(difference - brighter)) / layout.Length / 255);
        bool cut = settings.CutChange < 1 && change >= settings.CutChange && change >= 3 * _usual;
        _usual = cut ? 0 : _usual + ((change - _usual) / 8);
        _layout = layout;
        return cut;
    }

    private static BigInteger? TimeOf(CaptureTime? time) =>
        time is { } known ? ((BigInteger)known.Seconds * 10_000_000) + (known.Nanoseconds / 100) : null;

    private static double LogitOf(float score) => Math.Clamp(Math.Log(score / (1.0 - score)), -16, 16);

    internal sealed record Segment(ulong First, ulong Last, int Results, int Manipulated, ulong Peak, int Scene);

    private sealed class Seen(ulong sequence, BigInteger pause, float score, bool isManipulated, int scene)
    {
        public ulong Sequence => sequence;

        public BigInteger Pause => pause;

        public float Score => score;

        public bool IsManipulated => isManipulated;

        public int Scene => scene;

        /// <summary>Null: not known yet.</summary>
        public BigInteger? Time { get; set; }
    }

    /// <summary>Frames from the first of a segment to the one that ended it, and the window then.</summary>
    private sealed class Stretch(List<Seen> frames, List<Seen> window)
    {
        public List<Seen> Frames => frames;

        public List<Seen> Window { get; private set; } = window;

        public void Add(Seen frame, List<Seen> now)
        {
            frames.Add(frame);
            Window = now;
        }
    }
}
