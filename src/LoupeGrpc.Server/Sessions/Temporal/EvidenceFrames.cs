using System.Text.Json.Serialization;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>
/// Of a segment that may go on for ever, a few frames with high scores that are spread over it. It is divided into up to eight parts of equal length, of which each keeps
/// its best frame; when a ninth begins, parts become twice as long. Not thread-safe.
/// </summary>
internal sealed class EvidenceFrames
{
    /// <summary>Frames of a segment.</summary>
    public const int Most = 4;

    /// <summary>Twice as many as are told: some parts have nothing to show.</summary>
    public const int MostParts = 2 * Most;

    private readonly EvidenceFrame[] _best = new EvidenceFrame[MostParts];
    private readonly bool[] _has = new bool[MostParts];
    private ulong _length = 1;

    public void Clear()
    {
        Array.Clear(_has);
        _length = 1;
    }

    /// <param name="place">Of the frame among those judged in the segment, from 0, not below the last one's.</param>
    public void Add(ulong place, EvidenceFrame frame)
    {
        while (place / _length >= MostParts)
        {
            Halve();
        }

        int part = (int)(place / _length);
        if (!_has[part] || frame.Score > _best[part].Score)
        {
            (_has[part], _best[part]) = (true, frame);
        }
    }

    /// <summary>In order; of equal scores the earlier one.</summary>
    public IReadOnlyList<EvidenceFrame> ToList() =>
        [.. Parts().OrderByDescending(static frame => frame.Score).ThenBy(static frame => frame.Sequence).Take(Most).OrderBy(static frame => frame.Sequence)];

    public EvidenceState Save() => new(_length, [.. _has], [.. _best]);

    public void Restore(EvidenceState state)
    {
        _length = state.Length;
        state.Has.CopyTo(_has);
        state.Best.CopyTo(_best);
    }

    private IEnumerable<EvidenceFrame> Parts() => _best.Where((_, part) => _has[part]);

    private void Halve()
    {
        for (int part = 0; part < MostParts; part++)
        {
            bool isBack = part >= Most;
            var (first, second) = isBack ? (0, 0) : (2 * part, (2 * part) + 1);
            bool takesSecond = !isBack && _has[second] && (!_has[first] || _best[second].Score > _best[first].Score);
            (_has[part], _best[part]) = isBack ? (false, default) : (_has[first] || _has[second], _best[takesSecond ? second : first]);
        }

        _length *= 2;
    }
}

/// <param name="Length">Frames in a part.</param>
internal sealed record EvidenceState(ulong Length, bool[] Has, EvidenceFrame[] Best)
{
    [JsonIgnore]
    public bool IsValid => ulong.IsPow2(Length) && Has.Length == EvidenceFrames.MostParts && Best.Length == EvidenceFrames.MostParts
        && Best.All(static frame => SessionTimes.IsValid(frame.Time) && !float.IsNaN(frame.Score));
}
