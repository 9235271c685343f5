namespace LoupeGrpc.Engine.Scheduling;

/// <summary>How many frames a run may take: the buckets of the target, of which the largest may go while the engine serves. Thread-safe.</summary>
internal sealed class BatchSizes
{
    private readonly int[] _buckets;
    private readonly Lock _lock = new();
    private volatile int _largest;

    /// <param name="buckets">Ascending, beginning with 1.</param>
    public BatchSizes(IReadOnlyList<int> buckets)
    {
        _buckets = [.. buckets];
        _largest = _buckets[^1];
    }

    public int Largest => _largest;

    /// <summary>Those in use, ascending.</summary>
    public ReadOnlySpan<int> Buckets => _buckets.AsSpan(0, _buckets.AsSpan().IndexOf(_largest) + 1);

    /// <summary>The smallest bucket that holds them.</summary>
    /// <param name="frames">1 to <see cref="Largest"/>, or to what was the largest until a moment ago.</param>
    public int BucketOf(int frames) => Array.Find(_buckets, bucket => bucket >= frames);

    /// <summary>Nothing larger than half of a bucket that did not fit into memory any more.</summary>
    /// <returns>The largest now, or null where it was that small already.</returns>
    public int? Halve(int tooLarge)
    {
        lock (_lock)
        {
            int largest = Array.FindLast(_buckets, bucket => bucket == 1 || bucket <= tooLarge / 2);
            if (largest >= _largest)
            {
                return null;
            }

            _largest = largest;
            return largest;
        }
    }
}
