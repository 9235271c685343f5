using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// The blocks that connections read into and write from. The framework's own pool lets go of what a burst left within some minutes, block by block, and as
/// long as one block of a region of 32 MiB is left the region stays; this one lets go of all at once. Thread-safe.
/// </summary>
internal sealed class TransportBlocks : IMemoryPoolFactory<byte>
{
    /// <summary>A page, as in the framework's pool.</summary>
    private const int BlockBytes = 4096;

    private readonly ConcurrentQueue<Block> _idle = [];

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool(this);

    /// <summary>Blocks that nobody uses are the collector's.</summary>
    public void Trim() => _idle.Clear();

    private Block Rent()
    {
        if (!_idle.TryDequeue(out var block))
        {
            block = new Block(this, GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true));
        }

        block.Rent();
        return block;
    }

    private sealed class Block(TransportBlocks blocks, byte[] bytes) : IMemoryOwner<byte>
    {
        private bool _isRented;

        public Memory<byte> Memory { get; } = MemoryMarshal.CreateFromPinnedArray(bytes, 0, bytes.Length);

        public void Rent() => Volatile.Write(ref _isRented, true);

        /// <summary>More than once does nothing.</summary>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isRented, false))
            {
                blocks._idle.Enqueue(this);
            }
        }
    }

    private sealed class Pool(TransportBlocks blocks) : MemoryPool<byte>
    {
        public override int MaxBufferSize => BlockBytes;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
            return blocks.Rent();
        }

        protected override void Dispose(bool disposing)
        {
            // The blocks are everybody's.
        }
    }
}
