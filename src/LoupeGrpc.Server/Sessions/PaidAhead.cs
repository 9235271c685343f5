using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// What a session has paid of its owner's pace before a frame is received: whoever has to wait for it must not hold the memory meanwhile in which messages of
/// others are received. What was paid for a message that turns out to be smaller, or no frame, counts for the next. Thread-safe.
/// </summary>
/// <param name="pace">Null: frames as fast as they come.</param>
/// <param name="receiving">The owner's share of the memory in which messages are received; null: everybody's.</param>
internal sealed class PaidAhead(IFramePace? pace, Room? receiving)
{
    private readonly Lock _lock = new();
    private int _frames;
    private int _bytes;

    /// <summary>Where its messages wait for memory; null: where everybody's do.</summary>
    public Room? Receiving => receiving;

    /// <summary>Waits until a message of that many bytes may come.</summary>
    /// <returns>False: canceled before.</returns>
    public async ValueTask<bool> PayAsync(int bytes, CancellationToken cancellationToken)
    {
        if (pace is null)
        {
            return true;
        }

        var (frame, missing) = Missing(bytes);
        if ((frame || missing > 0) && !await pace.WaitAsync(frame, missing, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        Add(frame ? 1 : 0, missing);
        return true;
    }

    /// <summary>Waits until a frame may come that is here already, for as much as was not paid before.</summary>
    /// <param name="bytes">That it has.</param>
    /// <returns>False: canceled before.</returns>
    public async ValueTask<bool> TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        if (!await PayAsync(bytes, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        if (pace is not null)
        {
            Add(-1, -bytes);
        }

        return true;
    }

    private (bool Frame, int Bytes) Missing(int bytes)
    {
        lock (_lock)
        {
            return (_frames <= 0, Math.Max(0, bytes - _bytes));
        }
    }

    private void Add(int frames, int bytes)
    {
        lock (_lock)
        {
            _frames += frames;
            _bytes += bytes;
        }
    }
}
