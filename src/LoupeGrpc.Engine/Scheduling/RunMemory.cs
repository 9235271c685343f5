using LoupeGrpc.Engine.Execution;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>The memory that the frames of an engine run in.</summary>
/// <param name="CheckSlot">For the self-check of a device beside its frames; null on the CPU.</param>
/// <param name="CheckPixels">As <paramref name="CheckSlot"/>.</param>
internal sealed record RunMemory(RunSlotPool Slots, PixelPool Pixels, RunSlot? CheckSlot, TensorBuffer? CheckPixels) : IDisposable
{
    /// <param name="largest">Frames of the largest run.</param>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public static RunMemory Allocate(LoupeModel model, int largest, int concurrentRuns, int decoders)
    {
        // Of pixels, one batch is read, one is ready behind it, and each decoder has one more to fill. Of slots, each graph has one and there is one between
        // them; the rest are being read.
        int pixels = (2 * largest * concurrentRuns) + decoders;
        int slots = (4 * concurrentRuns) + (((2 * decoders) + largest - 1) / largest);
        var parts = new Stack<IDisposable>();
        try
        {
            return new RunMemory(
                Own(RunSlotPool.Allocate(model, slots, largest)),
                Own(PixelPool.Allocate(model, pixels)),
                model.Target.IsDevice ? Own(RunSlot.Allocate(model, rows: 1)) : null,
                model.Target.IsDevice ? Own(model.CreatePixels()) : null);
        }
        catch
        {
            while (parts.TryPop(out var part))
            {
                part.Dispose();
            }

            throw;
        }

        T Own<T>(T part)
            where T : IDisposable
        {
            parts.Push(part);
            return part;
        }
    }

    /// <summary>The slots, whose runs have read them, before the pixels.</summary>
    public void Dispose()
    {
        Slots.Dispose();
        CheckSlot?.Dispose();
        Pixels.Dispose();
        CheckPixels?.Dispose();
    }
}
