using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LoupeGrpc.Server.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Hosting;

public sealed class TransportBlocksTests
{
    private readonly TransportBlocks _blocks = new();

    [Fact]
    public void A_block_is_a_page_of_an_array_and_rented_again_once_it_is_back()
    {
        using var pool = _blocks.Create();
        var first = pool.Rent();
        var second = pool.Rent(4096);
        Assert.Equal((4096, 4096), (first.Memory.Length, pool.MaxBufferSize));
        // Sockets take nothing else.
        Assert.True(MemoryMarshal.TryGetArray<byte>(first.Memory, out _));

        first.Dispose();
        first.Dispose();
        Assert.Same(first, pool.Rent());
        Assert.NotSame(second, pool.Rent());
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(4097));
    }

    [Fact]
    public void Pools_share_their_blocks_and_outlive_each_other()
    {
        var ended = _blocks.Create();
        var block = ended.Rent();
        ended.Dispose();
        block.Dispose();

        using var next = _blocks.Create();
        Assert.Same(block, next.Rent());
    }

    [Fact]
    public void Renting_allocates_nothing_where_a_block_is_idle()
    {
        using var pool = _blocks.Create();
        pool.Rent().Dispose();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            pool.Rent().Dispose();
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    [Fact]
    public void Trimmed_blocks_are_collected_and_those_in_use_stay()
    {
        using var pool = _blocks.Create();
        var used = pool.Rent();
        var idle = RentAndReturn(pool);
        _blocks.Trim();
        GC.Collect();

        Assert.False(idle.IsAlive);
        used.Dispose();
        Assert.Same(used, pool.Rent());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference RentAndReturn(MemoryPool<byte> pool)
    {
        var block = pool.Rent();
        block.Dispose();
        return new WeakReference(block);
    }
}
