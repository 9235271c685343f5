using LoupeGrpc.Engine.Queueing;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>A fixed number of buffers for the pixels of one frame each, [1,3,S,S]. Thread-safe.</summary>
internal sealed class PixelPool : IDisposable
{
    private readonly TensorBuffers _buffers;
    private readonly StageQueue<TensorBuffer> _free;

    private PixelPool(TensorBuffers buffers, StageQueue<TensorBuffer> free) => (_buffers, _free) = (buffers, free);

    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public static PixelPool Allocate(LoupeModel model, int count)
    {
        var buffers = new TensorBuffers(model.Memory);
        var free = new StageQueue<TensorBuffer>("pixel buffers", count);
        long[] shape = new TensorShapes(model.Manifest, 1).PixelValues;
        try
        {
            for (int i = 0; i < count; i++)
            {
                free.Add(buffers.Host(shape));
            }

            return new PixelPool(buffers, free);
        }
        catch
        {
            buffers.Dispose();
            throw;
        }
    }

    /// <summary>Called after each buffer that comes back. Set before the first frame.</summary>
    public Action? Returned { get; set; }

    /// <returns>Null: none is free.</returns>
    public TensorBuffer? TryRent() => _free.TryTake();

    public void Return(TensorBuffer pixels)
    {
        // The last one comes first: the processor still has it at hand.
        _free.PutBack(pixels);
        Returned?.Invoke();
    }

    /// <summary>After every buffer came back, and after the slots that have read them.</summary>
    public void Dispose() => _buffers.Dispose();
}
