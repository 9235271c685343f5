namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>The segments of a session: those that are over, as many as are kept, and the one that goes on. Not thread-safe.</summary>
/// <param name="most">That are kept.</param>
internal sealed class SegmentRecorder(int most)
{
    private readonly List<TemporalSegment> _closed = [];
    private readonly EvidenceFrames _evidence = new();
    private EvidenceFrame _first;
    private EvidenceFrame _last;
    private EvidenceFrame _peak;
    private ulong _scene;
    private ulong _results;
    private ulong _manipulated;

    /// <summary>Frames behind <see cref="_last"/>: they are in the segment once another one is manipulated.</summary>
    private ulong _behind;

    /// <summary>Whether one goes on.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether there were more than are kept.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Sequence number behind the last frame of the one that ended last; 0: none has.</summary>
    public ulong End { get; private set; }

    /// <summary>Sequence number at which the open one begins.</summary>
    public ulong Since => IsOpen ? _first.Sequence : 0;

    /// <summary>Begins one, without frames.</summary>
    public void Open(ulong scene)
    {
        IsOpen = true;
        _evidence.Clear();
        (_scene, _results, _manipulated, _behind) = (scene, 0, 0, 0);
    }

    /// <summary>The next frame of the open one. The first is manipulated.</summary>
    /// <param name="isManipulated">By itself.</param>
    public void Add(EvidenceFrame frame, bool isManipulated)
    {
        _behind++;
        if (!isManipulated)
        {
            return;
        }

        if (_results == 0)
        {
            _first = _peak = frame;
        }

        _results += _behind;
        _behind = 0;
        _manipulated++;
        _last = frame;
        _peak = frame.Score > _peak.Score ? frame : _peak;
        _evidence.Add(_results - 1, frame);
    }

    /// <summary>Ends the open one, where there is one.</summary>
    public void Close()
    {
        if (!IsOpen)
        {
            return;
        }

        IsOpen = false;
        End = _last.Sequence + 1;
        if (_closed.Count < most)
        {
            _closed.Add(Current());
        }
        else
        {
            IsTruncated = true;
        }
    }

    /// <summary>All that are kept, the one that goes on last.</summary>
    public (IReadOnlyList<TemporalSegment> Segments, bool Truncated) ToList() =>
        IsOpen && _closed.Count < most ? ([.. _closed, Current()], IsTruncated) : ([.. _closed], IsTruncated || IsOpen);

    public SegmentState Save() =>
        new([.. _closed], IsTruncated, End, IsOpen ? new OpenSegment(_first, _last, _peak, _evidence.Save(), _results, _manipulated, _behind, _scene) : null);

    public void Restore(SegmentState state)
    {
        _closed.AddRange(state.Closed);
        (IsTruncated, End) = (state.Truncated, state.End);
        if (state.Open is { } open)
        {
            IsOpen = true;
            (_first, _last, _peak, _results, _manipulated, _behind, _scene) = (open.First, open.Last, open.Peak, open.Results, open.Manipulated, open.Behind, open.Scene);
            _evidence.Restore(open.Evidence);
        }
    }

    private TemporalSegment Current() => new(_first, _last, _peak, _evidence.ToList(), _results, _manipulated, _scene);
}

/// <param name="End">Sequence number behind the last one that ended.</param>
/// <param name="Open">Null: none goes on.</param>
internal sealed record SegmentState(IReadOnlyList<TemporalSegment> Closed, bool Truncated, ulong End, OpenSegment? Open)
{
    public bool IsValid(int most) =>
        Closed.Count <= most && Closed.All(IsSound)
        && (Open is null || (Open.Results > 0 && IsSound(Open.First, Open.Last, Open.Peak) && Open.Evidence is { IsValid: true }));

    private static bool IsSound(TemporalSegment? segment) =>
        segment is { Evidence.Count: > 0 and <= EvidenceFrames.Most, Results: > 0 } && segment.Results <= segment.Last.Sequence - segment.First.Sequence + 1
        && IsSound(segment.First, segment.Last, segment.Peak) && segment.Evidence.All(static frame => SessionTimes.IsValid(frame.Time));

    private static bool IsSound(EvidenceFrame first, EvidenceFrame last, EvidenceFrame peak) =>
        first.Sequence <= last.Sequence && SessionTimes.IsValid(first.Time) && SessionTimes.IsValid(last.Time) && SessionTimes.IsValid(peak.Time);
}

/// <summary>One that goes on.</summary>
internal sealed record OpenSegment(
    EvidenceFrame First, EvidenceFrame Last, EvidenceFrame Peak, EvidenceState Evidence, ulong Results, ulong Manipulated, ulong Behind, ulong Scene);
