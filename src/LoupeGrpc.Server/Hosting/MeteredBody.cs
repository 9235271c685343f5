using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// The body of a gRPC request, which asks for room before it lets a message grow: the length of a message stands in its first five bytes. What waits in here is
/// not read from the network, so flow control slows the sender down. For one reader at a time; <see cref="Abandon"/> and <see cref="Release"/> are thread-safe.
/// </summary>
/// <param name="body">The request's own.</param>
/// <param name="large">Where large messages of the connection wait.</param>
/// <param name="gone">Canceled when the client is not there any more.</param>
internal sealed class MeteredBody(PipeReader body, MessageRoom room, Room large, CancellationToken gone) : PipeReader, IRequestBodyPipeFeature, IReceivedMessage, IIncompleteMessage, IDisposable
{
    /// <summary>A flag for compression, then the length, big-endian.</summary>
    private const int PrefixLength = 5;

    /// <summary>What flow control lets a client send ahead is more than that.</summary>
    private const int Small = 64 << 10;

    /// <summary>Deflate, and so gzip, makes no more of a byte than this.</summary>
    private const int MaxExpansion = 1032;

    private ReadOnlySequence<byte> _read;
    private RoomLease? _receiving;
    private RoomLease? _received;
    private bool _inMessage;
    private volatile bool _abandoned;

    public Room Large => large;

    /// <summary>Timestamp from which on the message that is being received is late.</summary>
    public long DueAt { get; set; }

    public PaidAhead? Paid { get; private set; }

    public Room? Own => Paid?.Receiving;

    PipeReader IRequestBodyPipeFeature.Reader => this;

    public void SlowBy(PaidAhead paid) => Paid = paid;

    /// <summary>Gives the incomplete message up: others wait for its memory.</summary>
    public void Abandon()
    {
        _abandoned = true;
        body.CancelPendingRead();
    }

    public void Release() => Interlocked.Exchange(ref _received, null)?.Dispose();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        Release();
        var result = await body.ReadAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_abandoned)
            {
                throw new SlowMessageException(ServerBusy.SlowMessage);
            }

            await ChargeAsync(result.Buffer, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Whoever reads again finds it where it was.
            body.AdvanceTo(result.Buffer.Start);
            throw;
        }

        _read = result.Buffer;
        return result;
    }

    /// <summary>Room may have to be waited for.</summary>
    public override bool TryRead(out ReadResult result)
    {
        result = default;
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_inMessage && !_read.Slice(0, consumed).IsEmpty)
        {
            // It was taken out whole, and stands in memory of its own now.
            _inMessage = false;
            if (_receiving is not null)
            {
                room.Leave(this);
                Interlocked.Exchange(ref _received, _receiving)?.Dispose();
                _receiving = null;
            }
        }

        _read = default;
        body.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => body.CancelPendingRead();

    public override void Complete(Exception? exception = null) => body.Complete(exception);

    /// <summary>The call is over.</summary>
    public void Dispose()
    {
        room.Leave(this);
        _receiving?.Dispose();
        Release();
    }

    private async ValueTask ChargeAsync(ReadOnlySequence<byte> buffer, CancellationToken cancellationToken)
    {
        if (_inMessage || buffer.Length < PrefixLength)
        {
            return;
        }

        var (length, compressed) = PrefixOf(buffer);
        if (compressed)
        {
            // How long it will be nobody knows before: gRPC stops at the limit of a message.
            length = Math.Min(length * MaxExpansion, room.MaxMessageBytes);
        }

        if (length is > Small && length <= room.MaxMessageBytes)
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, gone);
            _receiving = await room.EnterAsync(this, length, 2 * length, waiting.Token).ConfigureAwait(false);
        }

        _inMessage = true;
    }

    private static (long Length, bool Compressed) PrefixOf(ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PrefixLength];
        buffer.Slice(0, PrefixLength).CopyTo(prefix);
        return (BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]), prefix[0] != 0);
    }
}
