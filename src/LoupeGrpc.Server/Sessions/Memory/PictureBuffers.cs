using System.Numerics;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// Memory for the pictures of messages, which is used again once their frames have their outcomes. An array of its own for each would be garbage on the large
/// object heap, which only collections of everything clear away. What is kept free is bounded, the oldest of it goes first, and <see cref="Trim"/> lets go of all.
/// Thread-safe.
/// </summary>
/// <param name="most">Bytes that are kept free.</param>
internal sealed class PictureBuffers(long most)
{
    /// <summary>Steps between a power of two and the next: at most a quarter of a buffer is for nothing.</summary>
    private const int StepsPerPower = 4;

    private readonly Lock _lock = new();
    private readonly List<byte[]> _free = [];
    private long _bytes;

    /// <summary>For all servers of a process: 64 MiB free at most.</summary>
    public static PictureBuffers Shared { get; } = new(64L << 20);

    /// <summary>Bytes kept free now.</summary>
    public long Kept
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <param name="length">Bytes, at least one. What is in them is not said.</param>
    /// <returns>To be given back by its <see cref="PictureBytes.Return"/>; where that is not known to be safe, the collector has it.</returns>
    public PictureBytes Rent(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        var size = SizeOf(length);
        lock (_lock)
        {
            // The one that was used last may still be in a cache of the processor.
            var index = _free.FindLastIndex(array => array.Length == size);
            if (index >= 0)
            {
                var array = _free[index];
                _free.RemoveAt(index);
                _bytes -= size;
                return new PictureBytes(this, array, length);
            }
        }

        return new PictureBytes(this, GC.AllocateUninitializedArray<byte>(size), length);
    }

    /// <summary>What nobody uses is the collector's.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            _free.Clear();
            _bytes = 0;
        }
    }

    internal void Return(byte[] array)
    {
        if (array.Length > most)
        {
            return;
        }

        lock (_lock)
        {
            _free.Add(array);
            _bytes += array.Length;
            var old = 0;
            while (_bytes > most)
            {
                _bytes -= _free[old++].Length;
            }

            _free.RemoveRange(0, old);
        }
    }

    private static int SizeOf(int length)
    {
        var step = Math.Max(1, BitOperations.RoundUpToPowerOf2((uint)length) / (2 * StepsPerPower));
        return (int)Math.Min((length + step - 1) / step * step, Array.MaxLength);
    }
}
