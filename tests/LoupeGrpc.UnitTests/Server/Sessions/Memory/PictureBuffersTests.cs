using LoupeGrpc.Server.Sessions.Memory;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions.Memory;

public sealed class PictureBuffersTests
{
    private const int Megabyte = 1 << 20;

    private readonly PictureBuffers _buffers = new(4 * Megabyte);

    [Fact]
    public void What_was_given_back_is_used_again_for_pictures_of_about_that_size()
    {
        var first = _buffers.Rent(Megabyte - 1);
        first.GetSpan()[0] = 42;
        first.Return();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var second = _buffers.Rent(Megabyte - 100_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);

        Assert.Equal(Megabyte - 100_000, second.Memory.Length);
        Assert.Equal(42, second.GetSpan()[0]);
        Assert.Equal(0, _buffers.Kept);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(65_536, 65_536)]
    [InlineData(65_537, 81_920)]
    [InlineData(967_000, Megabyte)]
    [InlineData(Megabyte + 1, Megabyte * 5 / 4)]
    public void Of_a_buffer_a_quarter_at_most_is_for_nothing(int length, int kept)
    {
        _buffers.Rent(length).Return();

        Assert.Equal(kept, _buffers.Kept);
    }

    [Fact]
    public void Who_reads_a_picture_that_was_given_back_is_told()
    {
        var memory = _buffers.Rent(100_000).Memory;
        PictureBytes.Release(memory[5..50]);

        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
    }

    [Fact]
    public void A_picture_that_is_given_back_twice_is_not_lent_to_two()
    {
        var bytes = _buffers.Rent(100_000);
        bytes.Return();
        var next = _buffers.Rent(100_000);
        bytes.Return();
        var other = _buffers.Rent(100_000);

        next.GetSpan().Fill(1);
        other.GetSpan().Fill(2);
        Assert.Equal(1, next.GetSpan()[99_999]);
    }

    [Fact]
    public void The_oldest_goes_first_where_too_much_is_free()
    {
        PictureBytes[] small = [.. Enumerable.Range(0, 4).Select(_ => _buffers.Rent(Megabyte))];
        var large = _buffers.Rent(2 * Megabyte);
        foreach (var bytes in small)
        {
            bytes.Return();
        }

        large.Return();

        Assert.Equal(4 * Megabyte, _buffers.Kept);
        _buffers.Rent(2 * Megabyte);
        Assert.Equal(2 * Megabyte, _buffers.Kept);
    }

    [Fact]
    public void What_is_more_than_all_that_is_kept_is_never_kept()
    {
        _buffers.Rent(Megabyte).Return();
        _buffers.Rent(5 * Megabyte).Return();

        Assert.Equal(Megabyte, _buffers.Kept);
    }

    [Fact]
    public void Trimming_lets_go_of_all_that_is_free()
    {
        var used = _buffers.Rent(Megabyte);
        _buffers.Rent(Megabyte).Return();

        _buffers.Trim();

        Assert.Equal(0, _buffers.Kept);
        used.Return();
        Assert.Equal(Megabyte, _buffers.Kept);
    }

    [Fact]
    public void Memory_of_others_is_left_alone()
    {
        ReadOnlyMemory<byte> memory = new byte[10];

        PictureBytes.Release(memory);

        Assert.Equal(0, memory.Span[9]);
    }
}
