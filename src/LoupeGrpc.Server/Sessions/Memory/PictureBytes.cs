using System.Buffers;
using System.Runtime.InteropServices;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// The bytes of one picture in memory that is used again. Whoever holds its <see cref="MemoryManager{T}.Memory"/> can give it back, since only the engine knows
/// when nobody reads it any more. Who reads it after that gets an exception, never another picture.
/// </summary>
internal sealed class PictureBytes(PictureBuffers buffers, byte[] array, int length) : MemoryManager<byte>
{
    private byte[]? _array = array;

    public override Memory<byte> Memory => CreateMemory(length);

    /// <summary>Gives back memory that lies in one of these. Any other is the collector's, and more than once does nothing.</summary>
    public static void Release(ReadOnlyMemory<byte> memory)
    {
        if (MemoryMarshal.TryGetMemoryManager<byte, PictureBytes>(memory, out var bytes))
        {
            bytes.Return();
        }
    }

    /// <summary>Nobody reads it any more.</summary>
    public void Return()
    {
        if (Interlocked.Exchange(ref _array, null) is { } mine)
        {
            buffers.Return(mine);
        }
    }

    public override Span<byte> GetSpan() => Mine.AsSpan(0, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new Memory<byte>(Mine, elementIndex, length - elementIndex).Pin();

    public override void Unpin()
    {
        // The handle has what was pinned.
    }

    protected override bool TryGetArray(out ArraySegment<byte> segment)
    {
        segment = new ArraySegment<byte>(Mine, 0, length);
        return true;
    }

    protected override void Dispose(bool disposing) => Return();

    private byte[] Mine => _array ?? throw new ObjectDisposedException(nameof(PictureBytes), "The picture was given back.");
}
