using System.Buffers;
using System.Runtime.CompilerServices;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Masks;

/// <summary>
/// Room for one value a pixel, for the time of one picture. Ordinary pictures come one after another and share pooled arrays; what a huge one takes goes
/// back to the system at once, because a pool would keep it for a next one that seldom comes.
/// </summary>
/// <typeparam name="T">Of a value; what it is at first is undefined.</typeparam>
internal sealed class PixelMemory<T> : IDisposable
    where T : unmanaged
{
    /// <summary>Bytes from which on memory is not pooled: a float for each of 16 million pixels.</summary>
    public const int PooledBytes = 64 << 20;

    private T[]? _pooled;

    /// <param name="type">Of a pixel of <typeparamref name="T"/>.</param>
    public PixelMemory(int width, int height, MatType type)
    {
        int pixels = checked(width * height);
        if ((long)pixels * Unsafe.SizeOf<T>() > PooledBytes)
        {
            Mat = new Mat(height, width, type);
        }
        else
        {
            _pooled = ArrayPool<T>.Shared.Rent(pixels);
            Mat = Mat.FromPixelData(height, width, type, _pooled);
        }
    }

    public Mat Mat { get; }

    /// <summary>[height, width].</summary>
    public Span<T> Values => Mat.AsSpan<T>();

    /// <summary>More than once is as once: what the pool gets twice it lends to two at a time.</summary>
    public void Dispose()
    {
        Mat.Dispose();
        if (Interlocked.Exchange(ref _pooled, null) is { } pooled)
        {
            ArrayPool<T>.Shared.Return(pooled);
        }
    }
}
