using System.Text.Json.Serialization;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>A segment that goes on, of the frames that have been added to it. Not thread-safe.</summary>
internal sealed class SegmentBuilder
{
    private readonly EvidenceFrames _evidence = new();
    private EvidenceFrame _first;
    private EvidenceFrame _last;
    private EvidenceFrame _peak;
    private ulong _scene;
    private ulong _results;
    private ulong _manipulated;

    /// <summary>Sequence number of its first frame.</summary>
    public ulong Since { get; private set; }

    /// <summary>Whether a manipulated frame was added.</summary>
    public bool HasFrames => _results > 0;

    /// <summary>Frames added behind the last manipulated one: they are in the segment once another one follows.</summary>
    public ulong Behind { get; private set; }

    public void Begin(ulong since, ulong scene)
    {
        _evidence.Clear();
        (Since, _scene, _results, _manipulated, Behind) = (since, scene, 0, 0, 0);
    }

    /// <summary>The next frame. The first is manipulated.</summary>
    /// <param name="isManipulated">By itself.</param>
    public void Add(EvidenceFrame frame, bool isManipulated)
    {
        Behind++;
        if (!isManipulated)
        {
            return;
        }

        if (!HasFrames)
        {
            _first = _peak = frame;
        }

        _results += Behind;
        Behind = 0;
        _manipulated++;
        _last = frame;
        _peak = frame.Score > _peak.Score ? frame : _peak;
        _evidence.Add(_results - 1, frame);
    }

    /// <summary>Up to the last manipulated frame.</summary>
    public TemporalSegment ToSegment() => new(_first, _last, _peak, _evidence.ToList(), _results, _manipulated, _scene);

    public OpenSegment Save() => new(Since, _first, _last, _peak, _evidence.Save(), _results, _manipulated, Behind, _scene);

    public void Restore(OpenSegment state)
    {
        (Since, _first, _last, _peak) = (state.Since, state.First, state.Last, state.Peak);
        (_results, _manipulated, Behind, _scene) = (state.Results, state.Manipulated, state.Behind, state.Scene);
        _evidence.Restore(state.Evidence);
    }
}

/// <summary>What a <see cref="SegmentBuilder"/> has.</summary>
internal sealed record OpenSegment(
    ulong Since, EvidenceFrame First, EvidenceFrame Last, EvidenceFrame Peak, EvidenceState Evidence, ulong Results, ulong Manipulated, ulong Behind, ulong Scene)
{
    [JsonIgnore]
    public bool IsValid =>
        Evidence.IsValid && SessionTimes.IsValid(First.Time) && SessionTimes.IsValid(Last.Time) && SessionTimes.IsValid(Peak.Time)
        && (Results > 0) == (Manipulated > 0) && First.Sequence <= Last.Sequence && (Results > 0 || Behind == 0);
}
