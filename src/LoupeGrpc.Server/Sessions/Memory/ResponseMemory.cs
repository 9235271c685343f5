using System.Threading.Channels;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// The account of the responses that all sessions keep. An outcome cannot be refused, so the account may go over its limit, by what the engine has inside:
/// from then on sessions that have something to write get nothing more into the engine until they have written it (<see cref="SessionOutbox.IsHeld"/>).
/// Thread-safe, and never calls anybody: who wants to know waits for <see cref="WhenChanged"/>.
/// </summary>
internal sealed class ResponseMemory(long limit)
{
    /// <summary>Of the limit, what one session may have unwritten before it is held.</summary>
    private const int SessionShare = 8;

    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long _held;

    public long Limit => limit;

    public long SessionLimit => limit / SessionShare;

    /// <summary>Bytes.</summary>
    public long Held => Volatile.Read(ref _held);

    public bool IsOver => Held > limit;

    public void Add(long bytes)
    {
        var held = Interlocked.Add(ref _held, bytes);
        if (held > limit && held - bytes <= limit)
        {
            Signal();
        }
    }

    public void Return(long bytes)
    {
        var held = Interlocked.Add(ref _held, -bytes);
        if (held <= limit && held + bytes > limit)
        {
            Signal();
        }
    }

    /// <summary>Something changed that <see cref="WhenChanged"/> waits for: the limit was passed, up or down, or a session is not held any more.</summary>
    public void Signal() => _changes.Writer.TryWrite(true);

    /// <summary>For one waiter.</summary>
    /// <exception cref="OperationCanceledException"/>
    public async Task WhenChanged(CancellationToken cancellationToken) => await _changes.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
}
