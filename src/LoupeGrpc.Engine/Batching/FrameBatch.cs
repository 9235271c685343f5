using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// Frames that the encoder ran together: frame i is row i of the slot. The slot goes back when the last of them has left.
/// </summary>
/// <param name="frames">How many.</param>
internal sealed class FrameBatch(RunSlot slot, int rows, int frames, RunSlotPool slots)
{
    private int _inside = frames;

    public RunSlot Slot => slot;

    /// <summary>Rows of the encoder's run: those of the frames, then padding.</summary>
    public int Rows => rows;

    /// <summary>Frames that go on to the segmentor.</summary>
    public List<FrameJob> Waiting { get; } = new(frames);

    /// <summary>When it was put before the segmentor.</summary>
    public long QueuedAt { get; set; }

    /// <summary>One of the frames does not need its row any more.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _inside) == 0)
        {
            slots.Return(slot);
        }
    }
}
