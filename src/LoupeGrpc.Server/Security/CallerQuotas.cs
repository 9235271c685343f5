using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Security;

/// <summary>What each caller may take. An owner who has sent nothing for a while takes no memory. Thread-safe.</summary>
internal sealed class CallerQuotas(LiveOptions live, MemoryLedger ledger, MessageRoom messages) : IDisposable
{
    /// <summary>Of bytes a second, what is counted: a bucket has room for two thousand million units.</summary>
    private const int Unit = 1 << 10;

    private readonly OwnerRates _frames = new();
    private readonly OwnerRates _units = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Owner, long Bytes), WeakReference<OwnerRooms>> _rooms = [];

    /// <summary>As it is now: what changes later is for sessions that are opened later.</summary>
    public OwnerQuota Of(Caller caller)
    {
        var isStranger = caller.Owner.Length == 0;
        var options = live.Current;
        var quotas = options.Quotas;
        var (sessions, setting) = caller.Sessions is { } own ? (own, "--sessions of its key")
            : isStranger ? (quotas.StrangerSessions, "Loupe:Quotas:StrangerSessions")
            : (quotas.Sessions, "Loupe:Quotas:Sessions");
        var frames = caller.FramesPerSecond ?? (isStranger ? quotas.StrangerFramesPerSecond : quotas.FramesPerSecond);
        var bytes = isStranger ? quotas.StrangerBytesPerSecond : quotas.BytesPerSecond;
        var buffered = isStranger ? quotas.StrangerBufferedBytes : quotas.BufferedBytes;
        var pace = new Pace(
            frames > 0 ? _frames.Of(caller.Owner, frames, least: 1) : null,
            // The largest frame passes, and is paid for afterwards.
            bytes > 0 ? _units.Of(caller.Owner, (double)bytes / Unit, least: Units(options.Limits.MaxFrameBytes)) : null);
        var rooms = buffered > 0 && buffered < ledger.Frames.Limit.Bytes ? RoomsOf(caller.Owner, buffered) : null;
        return new OwnerQuota(sessions, setting, pace.IsLimited ? pace : null)
        {
            Rooms = rooms,
            AddressSessions = quotas.AddressSessions,
            AdaptationStates = isStranger ? quotas.StrangerAdaptationStates : quotas.AdaptationStates,
        };
    }

    public void Dispose()
    {
        _frames.Dispose();
        _units.Dispose();
    }

    private static int Units(long bytes) => (int)Math.Max(1, (bytes + Unit - 1) / Unit);

    /// <summary>The same for all sessions of an owner, as long as one of them has it.</summary>
    private OwnerRooms RoomsOf(string owner, long bytes)
    {
        lock (_lock)
        {
            if (_rooms.TryGetValue((owner, bytes), out var known) && known.TryGetTarget(out var rooms))
            {
                return rooms;
            }

            foreach (var (key, reference) in _rooms.ToList())
            {
                if (!reference.TryGetTarget(out _))
                {
                    _rooms.Remove(key);
                }
            }

            rooms = new OwnerRooms(new Room(RoomSize.OfBytes(bytes), ledger.Frames), messages.ShareOf(bytes));
            _rooms[(owner, bytes)] = new WeakReference<OwnerRooms>(rooms);
            return rooms;
        }
    }

    private sealed class Pace(OwnerRate? frames, OwnerRate? units) : IFramePace
    {
        public bool IsLimited => frames is not null || units is not null;

        public async ValueTask<bool> WaitAsync(bool frame, int bytes, CancellationToken cancellationToken) =>
            (frames is null || !frame || await frames.WaitAsync(1, cancellationToken).ConfigureAwait(false))
            && (units is null || bytes == 0 || await units.WaitAsync(Units(bytes), cancellationToken).ConfigureAwait(false));

        public bool TryTake(int bytes) => (frames is null || frames.TryTake(1)) && (units is null || units.TryTake(Units(bytes)));
    }
}
