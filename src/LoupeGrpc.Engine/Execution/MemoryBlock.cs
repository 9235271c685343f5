using System.Runtime.InteropServices;
using LoupeGrpc.Native;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Bytes at an address that does not change, in the host's memory or in a device's.</summary>
internal abstract class MemoryBlock(OrtMemoryInfo info, nint address) : IDisposable
{
    /// <summary>Where the bytes are, as ONNX Runtime says it.</summary>
    public OrtMemoryInfo Info => info;

    public nint Address => address;

    /// <param name="length">Elements from the start on.</param>
    /// <exception cref="InvalidOperationException">The memory is a device's.</exception>
    public abstract Span<float> Floats(int length);

    public abstract void Dispose();
}

/// <summary>An array on the pinned heap, zeroed.</summary>
internal sealed class ManagedBlock : MemoryBlock
{
    // As ONNX Runtime aligns its own.
    private const int Alignment = 64;

    private readonly byte[] _bytes;
    private readonly int _offset;

    public ManagedBlock(long length)
        : this(GC.AllocateArray<byte>(checked((int)length + Alignment), pinned: true))
    {
    }

    private ManagedBlock(byte[] bytes)
        : this(bytes, (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0) & (Alignment - 1)))
    {
    }

    private ManagedBlock(byte[] bytes, int offset)
        : base(OrtMemoryInfo.DefaultInstance, Marshal.UnsafeAddrOfPinnedArrayElement(bytes, offset)) => (_bytes, _offset) = (bytes, offset);

    public override Span<float> Floats(int length) => MemoryMarshal.Cast<byte, float>(_bytes.AsSpan(_offset, checked(length * sizeof(float))));

    public override void Dispose()
    {
        // The collector's.
    }
}

/// <summary>Memory from an allocator of a session.</summary>
internal sealed class AllocatedBlock : MemoryBlock
{
    private readonly OrtMemoryAllocation _allocation;
    private readonly bool _isHost;

    /// <param name="isHost">The processor can read and write it. It is zeroed then.</param>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public AllocatedBlock(OrtAllocator allocator, OrtMemoryInfo info, long length, bool isHost)
        : this(allocator.Allocate(checked((uint)length)), info, isHost)
    {
        if (isHost)
        {
            Floats(checked((int)(length / sizeof(float)))).Clear();
        }
    }

    private AllocatedBlock(OrtMemoryAllocation allocation, OrtMemoryInfo info, bool isHost)
        : base(info, allocation.DangerousGetHandle()) => (_allocation, _isHost) = (allocation, isHost);

    public override Span<float> Floats(int length) =>
        _isHost ? UnmanagedMemory.Floats(Address, length) : throw new InvalidOperationException("The processor cannot read this memory.");

    public override void Dispose() => _allocation.Dispose();
}
