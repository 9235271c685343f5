using System.Buffers;
using System.Runtime.Intrinsics;

namespace LoupeGrpc.Engine.Masks;

/// <summary>A part of a mask whose pixels touch each other, corners included.</summary>
/// <param name="First">Its first pixel in the order of reading: row * width + column.</param>
/// <param name="Left">Leftmost column.</param>
/// <param name="Right">Rightmost column.</param>
/// <param name="Area">Pixels.</param>
/// <param name="Sum">Of the soft map over its pixels.</param>
internal readonly record struct ConnectedPart(long First, int Left, int Top, int Right, int Bottom, long Area, double Sum)
{
    public ConnectedPart With(in ConnectedPart other) => new(
        Math.Min(First, other.First),
        Math.Min(Left, other.Left),
        Math.Min(Top, other.Top),
        Math.Max(Right, other.Right),
        Math.Max(Bottom, other.Bottom),
        Area + other.Area,
        Sum + other.Sum);
}

/// <summary>
/// The connected parts of a mask in one pass over its rows. Of a row only its runs are held, and only parts that still touch the row, so what it takes grows with
/// the width of the picture and not with its pixels, whatever the mask is like. Labels for each pixel, as OpenCV gives them, take four bytes a pixel and several times as long.
/// </summary>
internal sealed class ConnectedParts : IDisposable
{
    private const int None = -1;

    private readonly int _width;
    private readonly long _leastArea;
    private readonly List<ConnectedPart> _found = [];

    // At most one run for every second pixel of a row, each with at most one part of its own.
    private Run[] _above;
    private Run[] _row;

    // Those that touch the row above come first, in the order of their runs; the rest begins in this row.
    private ConnectedPart[] _parts;
    private ConnectedPart[] _next;
    private readonly int[] _parents;
    private readonly int[] _renumbered;

    private int _runsAbove;
    private int _partsAbove;

    private ConnectedParts(int width, long leastArea)
    {
        int most = (width / 2) + 1;
        (_width, _leastArea) = (width, leastArea);
        (_above, _row) = (ArrayPool<Run>.Shared.Rent(most), ArrayPool<Run>.Shared.Rent(most));
        (_parts, _next) = (ArrayPool<ConnectedPart>.Shared.Rent(2 * most), ArrayPool<ConnectedPart>.Shared.Rent(2 * most));
        (_parents, _renumbered) = (ArrayPool<int>.Shared.Rent(2 * most), ArrayPool<int>.Shared.Rent(2 * most));
    }

    /// <param name="mask">[height, width], not 0 where forged.</param>
    /// <param name="soft">[height, width].</param>
    /// <param name="leastArea">Pixels; smaller parts are left out.</param>
    /// <returns>In the order in which they end.</returns>
    public static List<ConnectedPart> Find(ReadOnlySpan<byte> mask, ReadOnlySpan<float> soft, int width, long leastArea)
    {
        using var parts = new ConnectedParts(width, leastArea);
        for (int y = 0, start = 0; start < mask.Length; y++, start += width)
        {
            parts.AddRow(y, mask.Slice(start, width), soft.Slice(start, width));
        }

        parts.AddRow(0, [], []);
        return parts._found;
    }

    public void Dispose()
    {
        ArrayPool<Run>.Shared.Return(_above);
        ArrayPool<Run>.Shared.Return(_row);
        ArrayPool<ConnectedPart>.Shared.Return(_parts);
        ArrayPool<ConnectedPart>.Shared.Return(_next);
        ArrayPool<int>.Shared.Return(_parents);
        ArrayPool<int>.Shared.Return(_renumbered);
    }

    private void AddRow(int y, ReadOnlySpan<byte> mask, ReadOnlySpan<float> soft)
    {
        int runs = 0;
        int parts = _partsAbove;
        int above = 0;
        for (int part = 0; part < parts; part++)
        {
            _parents[part] = part;
        }

        for (int end = 0; NextRun(mask, end) is var begin && begin < mask.Length;)
        {
            int length = mask[begin..].IndexOf((byte)0);
            end = length < 0 ? mask.Length : begin + length;
            int label = None;
            // Runs above that end before this one's left neighbour touch neither it nor any after it.
            while (above < _runsAbove && _above[above].End < begin)
            {
                above++;
            }

            for (int i = above; i < _runsAbove && _above[i].Begin <= end; i++)
            {
                label = label == None ? RootOf(_above[i].Part) : Join(label, RootOf(_above[i].Part));
            }

            var run = new ConnectedPart(((long)y * _width) + begin, begin, y, end - 1, y, end - begin, SumOf(soft[begin..end]));
            if (label == None)
            {
                label = parts++;
                _parents[label] = label;
                _parts[label] = run;
            }
            else
            {
                _parts[label] = _parts[label].With(run);
            }

            _row[runs++] = new Run(begin, end, label);
        }

        EndRow(runs, parts);
    }

    /// <summary>Parts that do not touch this row are whole; the others are numbered anew.</summary>
    private void EndRow(int runs, int parts)
    {
        _renumbered.AsSpan(0, parts).Fill(None);
        int kept = 0;
        for (int i = 0; i < runs; i++)
        {
            int root = RootOf(_row[i].Part);
            if (_renumbered[root] == None)
            {
                _renumbered[root] = kept;
                _next[kept++] = _parts[root];
            }

            _row[i] = _row[i] with { Part = _renumbered[root] };
        }

        for (int part = 0; part < _partsAbove; part++)
        {
            if (_parents[part] == part && _renumbered[part] == None && _parts[part].Area >= _leastArea)
            {
                _found.Add(_parts[part]);
            }
        }

        (_above, _row, _runsAbove) = (_row, _above, runs);
        (_parts, _next, _partsAbove) = (_next, _parts, kept);
    }

    private static int NextRun(ReadOnlySpan<byte> mask, int from) => mask[from..].IndexOfAnyExcept((byte)0) is >= 0 and var skipped ? from + skipped : mask.Length;

    private int RootOf(int part)
    {
        while (_parents[part] != part)
        {
            part = _parents[part] = _parents[_parents[part]];
        }

        return part;
    }

    private int Join(int one, int other)
    {
        if (one == other)
        {
            return one;
        }

        var (root, child) = one < other ? (one, other) : (other, one);
        _parents[child] = root;
        _parts[root] = _parts[root].With(_parts[child]);
        return root;
    }

    /// <summary>Four sums side by side on every processor, so that all come to the same.</summary>
    private static double SumOf(ReadOnlySpan<float> values)
    {
        var sums = Vector256<double>.Zero;
        int i = 0;
        for (; i <= values.Length - Vector128<float>.Count; i += Vector128<float>.Count)
        {
            var (low, high) = Vector128.Widen(Vector128.Create(values.Slice(i, Vector128<float>.Count)));
            sums += Vector256.Create(low, high);
        }

        double sum = Vector256.Sum(sums);
        for (; i < values.Length; i++)
        {
            sum += values[i];
        }

        return sum;
    }

    /// <param name="Begin">Column of its first pixel.</param>
    /// <param name="End">Column behind its last one.</param>
    private readonly record struct Run(int Begin, int End, int Part);
}
