using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>A fixed number of buffers for the pixels of one frame each, [1,3,S,S]. Thread-safe.</summary>
internal sealed class PixelPool : IDisposable
{
    private readonly TensorBuffers _buffers;
    private readonly ConcurrentStack<TensorBuffer> _free = new();
    private readonly SemaphoreSlim _available;

    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public PixelPool(LoupeModel model, int count)
    {
        _buffers = new TensorBuffers(model.Memory);
        _available = new SemaphoreSlim(count, count);
        long[] shape = new TensorShapes(model.Manifest, 1).PixelValues;
        try
        {
            for (int i = 0; i < count; i++)
            {
                _free.Push(_buffers.Host(shape));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Waits until a buffer is free.</summary>
    public TensorBuffer Rent()
    {
        _available.Wait();
        return _free.TryPop(out var pixels) ? pixels : throw new InvalidOperationException("A pixel buffer was returned twice.");
    }

    public void Return(TensorBuffer pixels)
    {
        _free.Push(pixels);
        _available.Release();
    }

    /// <summary>After every buffer came back, and after the slots that have read them.</summary>
    public void Dispose()
    {
        _buffers.Dispose();
        _available.Dispose();
    }
}
