namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>The segments of a session: those that are over, as many as are kept, and the one that goes on. Not thread-safe.</summary>
/// <param name="most">That are kept.</param>
internal sealed class SegmentRecorder(int most)
{
    private readonly List<TemporalSegment> _closed = [];
    private readonly SegmentBuilder _open = new();

    /// <summary>The one that goes on, up to a frame that the window has still.</summary>
    public SegmentBuilder? Open => IsOpen ? _open : null;

    /// <summary>Whether one goes on.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether there were more than are kept.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Sequence number behind the last frame of the one that ended last; 0: none has.</summary>
    public ulong End { get; private set; }

    /// <summary>Begins one.</summary>
    /// <param name="since">Sequence number of its first frame.</param>
    public void Begin(ulong since, ulong scene)
    {
        IsOpen = true;
        _open.Begin(since, scene);
    }

    /// <summary>Ends the one that goes on, which has all its frames.</summary>
    public void Close()
    {
        IsOpen = false;
        var segment = _open.ToSegment();
        End = segment.Last.Sequence + 1;
        if (_closed.Count < most)
        {
            _closed.Add(segment);
        }
        else
        {
            IsTruncated = true;
        }
    }

    /// <summary>All that are kept.</summary>
    /// <param name="last">What goes on, as if it ended here; null: nothing does.</param>
    public (IReadOnlyList<TemporalSegment> Segments, bool Truncated) ToList(TemporalSegment? last) =>
        last is not null && _closed.Count < most ? ([.. _closed, last], IsTruncated) : ([.. _closed], IsTruncated || last is not null);

    public SegmentState Save() => new([.. _closed], IsTruncated, End, IsOpen ? _open.Save() : null);

    public void Restore(SegmentState state)
    {
        _closed.AddRange(state.Closed);
        (IsTruncated, End) = (state.Truncated, state.End);
        if (state.Open is { } open)
        {
            IsOpen = true;
            _open.Restore(open);
        }
    }
}

/// <param name="End">Sequence number behind the last one that ended.</param>
/// <param name="Open">Null: none goes on.</param>
internal sealed record SegmentState(IReadOnlyList<TemporalSegment> Closed, bool Truncated, ulong End, OpenSegment? Open)
{
    public bool IsValid(int most) => Closed.Count <= most && Closed.All(IsSound) && (Open is null || Open.IsValid);

    private static bool IsSound(TemporalSegment? segment) =>
        segment is { Evidence.Count: > 0 and <= EvidenceFrames.Most, Results: > 0 } && segment.First.Sequence <= segment.Last.Sequence
        && segment.Results <= segment.Last.Sequence - segment.First.Sequence + 1
        && segment.Evidence.Concat([segment.First, segment.Last, segment.Peak]).All(static frame => SessionTimes.IsValid(frame.Time));
}
