using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// Frames that the encoder ran together: frame i is row i of the slot. The slot goes back when the last of them has left.
/// </summary>
/// <param name="place">Where the slot is.</param>
/// <param name="rows">Rows of the encoder's run: those of the frames, then padding.</param>
/// <param name="frames">How many.</param>
internal sealed class FrameBatch(SlotPlace place, RunSlot slot, int rows, int frames, RunSlotPool slots)
{
    private int _inside = frames;

    public RunSlot Slot => slot;

    public int Rows => rows;

    /// <summary>One of the frames does not need its row any more.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _inside) == 0)
        {
            slots.Return(place);
        }
    }
}
