using System.Collections.Concurrent;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// The account of messages that are being received, of all calls. A message gets its room when its length is known and before it grows; where there is none, it
/// waits, and what waits is not read from the network. Large messages never have all of the room, and those of one connection no more than half of what they
/// have, so that neither small ones nor other connections wait behind a crowd of large ones that do not come. Thread-safe.
/// </summary>
internal sealed class MessageRoom(LoupeOptions options, MemoryLedger ledger, TimeProvider time)
{
    /// <summary>How long somebody waits for room before a message that is late has to give up its own, and what each message has beside the time of its bytes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Bytes a second under which a message is late: many at once share what the network, and a server that is busy, can do.</summary>
    public const int LeastRate = 1 << 20;

    /// <summary>Of the room, what makes a message a large one.</summary>
    private const int LargeShare = 32;

    private static readonly object ConnectionKey = new();

    private readonly Room _room = ledger.Receiving;
    private readonly Room _large = new(RoomSize.OfBytes(ledger.Receiving.Limit.Bytes / 4 * 3), ledger.Receiving);
    private readonly ConcurrentDictionary<IIncompleteMessage, byte> _incomplete = [];

    /// <summary>Bytes kept for messages now.</summary>
    public long Held => _room.Held.Bytes;

    /// <summary>Messages over this are refused when their length is seen.</summary>
    public int MaxMessageBytes => options.Limits.MaxMessageBytes;

    /// <summary>Where large messages of a connection wait.</summary>
    /// <param name="connection">What is kept for the connection.</param>
    public Room LargeOf(IDictionary<object, object?> connection)
    {
        lock (connection)
        {
            if (connection.TryGetValue(ConnectionKey, out var known))
            {
                return (Room)known!;
            }

            var room = new Room(RoomSize.OfBytes(_large.Limit.Bytes / 2), _large);
            connection.Add(ConnectionKey, room);
            return room;
        }
    }

    /// <summary>A share of one owner's, for all its messages: none of others waits behind what waits there.</summary>
    /// <param name="bytes">That it has at most, and never more than a connection has for large ones.</param>
    public Room ShareOf(long bytes) => new(RoomSize.OfBytes(Math.Min(bytes, _large.Limit.Bytes / 2)), _large);

    /// <summary>
    /// Waits for room for a message of a body, which is incomplete from then on; before that for its owner's pace, while it holds nothing.
    /// </summary>
    /// <param name="length">Bytes that are to come.</param>
    /// <param name="bytes">Of memory that they take.</param>
    /// <exception cref="OperationCanceledException"/>
    public async ValueTask<RoomLease> EnterAsync(IIncompleteMessage body, long length, long bytes, CancellationToken cancellationToken)
    {
        if (body.Paid is { } paid && !await paid.PayAsync((int)Math.Min(length, options.Limits.MaxFrameBytes), cancellationToken).ConfigureAwait(false))
        {
            throw new OperationCanceledException(cancellationToken);
        }

        return await EnterPaidAsync(body, length, bytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The message of a body is whole, or given up.</summary>
    public void Leave(IIncompleteMessage body) => _incomplete.TryRemove(body, out _);

    private ValueTask<RoomLease> EnterPaidAsync(IIncompleteMessage body, long length, long bytes, CancellationToken cancellationToken)
    {
        var ticket = (body.Own ?? (bytes > _room.Limit.Bytes / LargeShare ? body.Large : _room)).TakeAsync(0, bytes, cancellationToken);
        return ticket.IsCompletedSuccessfully ? new(Enter(body, length, ticket.Result, cancellationToken)) : WaitAsync(body, length, ticket.AsTask(), cancellationToken);
    }

    private async ValueTask<RoomLease> WaitAsync(IIncompleteMessage body, long length, Task<RoomTicket> ticket, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return Enter(body, length, await ticket.WaitAsync(Patience, time, CancellationToken.None).ConfigureAwait(false), cancellationToken);
            }
            catch (TimeoutException)
            {
                AbandonLatest();
            }
        }
    }

    private RoomLease Enter(IIncompleteMessage body, long length, RoomTicket ticket, CancellationToken cancellationToken)
    {
        if (ticket.Lease is not { } lease)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new OperationCanceledException();
        }

        body.DueAt = time.GetTimestamp() + (long)((Patience.TotalSeconds + ((double)length / LeastRate)) * time.TimestampFrequency);
        _incomplete.TryAdd(body, 0);
        return lease;
    }

    private void AbandonLatest()
    {
        if (_incomplete.Keys.MinBy(static body => body.DueAt) is { } latest && time.GetTimestamp() >= latest.DueAt)
        {
            latest.Abandon();
        }
    }
}

/// <summary>A message that is being received, in memory that others may wait for.</summary>
internal interface IIncompleteMessage
{
    /// <summary>Where it waits if it is large.</summary>
    Room Large { get; }

    /// <summary>What it costs first; null: nothing.</summary>
    PaidAhead? Paid => null;

    /// <summary>Where it waits, whatever its size, since its owner has a share of its own; null: with all others.</summary>
    Room? Own => null;

    /// <summary>Timestamp from which on it is late.</summary>
    long DueAt { get; set; }

    /// <summary>Gives it up: others wait for its memory.</summary>
    void Abandon();
}
