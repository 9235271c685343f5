namespace LoupeGrpc.Engine.Adaptation;

/// <summary>Median of the last values. Allocates nothing after its construction.</summary>
/// <param name="window">How many values count.</param>
internal sealed class RunningMedian(int window)
{
    private readonly float[] _values = new float[window];
    private readonly float[] _sorted = new float[window];
    private int _count;
    private int _next;

    public int Count => _count;

    public void Add(float value)
    {
        _values[_next] = value;
        _next = (_next + 1) % window;
        _count = Math.Min(_count + 1, window);
    }

    /// <summary>The upper of the two middle ones for an even count; not a number while there is no value.</summary>
    public float Median()
    {
        if (_count == 0)
        {
            return float.NaN;
        }

        var sorted = _sorted.AsSpan(0, _count);
        _values.AsSpan(0, _count).CopyTo(sorted);
        sorted.Sort();
        return sorted[_count / 2];
    }

    /// <summary>The values that count, oldest first.</summary>
    public float[] ToArray()
    {
        var values = new float[_count];
        for (int i = 0; i < _count; i++)
        {
            values[i] = _values[(_next - _count + i + window) % window];
        }

        return values;
    }

    public void Clear() => _count = _next = 0;
}
