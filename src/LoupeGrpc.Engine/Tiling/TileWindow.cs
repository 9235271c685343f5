using System.Numerics.Tensors;
using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Engine.Tiling;

/// <summary>
/// What a session has seen of its tiles, where each frame shows some of them: of each tile the logit and, where there was a mask, the soft map of the last frame that
/// showed it. A frame counts where it has a result that is not left open; no other changes anything. A frame of another size or with other settings begins anew, and so
/// does another scene. As long as nobody has begun anew, everything depends on nothing but the frames before. Thread-safe.
/// </summary>
/// <param name="maps">What maps are taken from, half a byte a value of the model's input each; where it is full, masks are made of the frame's own tiles and those kept so far.</param>
/// <param name="scenes">Null: no cuts are looked for.</param>
public sealed class TileWindow(Room maps, ISceneCuts? scenes) : IDisposable
{
    private readonly Lock _lock = new();

    // Room for one frame.
    private readonly Room _turns = new(RoomSize.OfFrames(1));
    private readonly Stack<TileMap> _spare = [];
    private TileMemory? _memory;
    private bool _isDisposed;

    internal ISceneCuts? Scenes => scenes;

    internal TileMemory? Memory => _memory;

    /// <summary>Gives the room back. A frame that is still in the engine keeps nothing more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            Forget();
            Trim(0);
        }
    }

    /// <summary>Takes the window for one frame. Waits for those before it, also for one that its caller gave up and that has not left the engine yet.</summary>
    /// <returns>Null: the caller gave up while it waited.</returns>
    internal async ValueTask<TileTurn?> TakeTurnAsync(CancellationToken cancellationToken) =>
        await _turns.TakeAsync(frames: 1, bytes: 0, cancellationToken).ConfigureAwait(false) is { Lease: { } lease } ? new TileTurn(this, lease) : null;

    /// <returns>Null: there is no room.</returns>
    internal TileMap? Keep(ReadOnlySpan<float> values)
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return null;
            }

            if (!_spare.TryPop(out var map))
            {
                long bytes = TileMap.BytesOf(values.Length);
                if (maps.TryTake(frames: 0, bytes) is not { } lease)
                {
                    return null;
                }

                map = new TileMap(new Half[values.Length], lease);
            }

            map.Set(values);
            return map;
        }
    }

    /// <summary>The map is not needed any more.</summary>
    internal void GiveBack(TileMap? map)
    {
        if (map is null)
        {
            return;
        }

        lock (_lock)
        {
            if (_isDisposed)
            {
                map.Dispose();
            }
            else
            {
                _spare.Push(map);
            }
        }
    }

    /// <summary>A frame counts.</summary>
    /// <param name="memory">Null: it was looked at whole.</param>
    /// <param name="seen">Its tiles.</param>
    internal void Commit(TileMemory? memory, IReadOnlyDictionary<int, TileVisit> seen)
    {
        lock (_lock)
        {
            if (memory != _memory)
            {
                Forget();
                _memory = _isDisposed ? null : memory;
            }

            foreach (var (tile, visit) in seen)
            {
                if (_memory is null)
                {
                    visit.Map?.Dispose();
                }
                else
                {
                    GiveBack(_memory.Visits[tile]?.Map);
                    _memory.Visits[tile] = visit;
                }
            }

            if (_memory is { } now)
            {
                now.Frames++;
                for (int tile = 0; tile < now.Visits.Length; tile++)
                {
                    if (now.Visits[tile] is { Map: { } old } visit && !now.IsSeen(visit, now.Frames))
                    {
                        // Of a frame that the next window does not have.
                        GiveBack(old);
                        now.Visits[tile] = visit with { Map = null };
                    }
                }
            }

            Trim(seen.Count);
        }
    }

    private void Forget()
    {
        foreach (var visit in _memory?.Visits ?? [])
        {
            visit?.Map?.Dispose();
        }

        _memory = null;
    }

    private void Trim(int most)
    {
        while (_spare.Count > most)
        {
            _spare.Pop().Dispose();
        }
    }
}

/// <summary>What is known of the tiles of frames of one size.</summary>
internal sealed class TileMemory(TileGrid grid, int width, int height, TileRequest request)
{
    public TileRotation Rotation { get; } = new(grid, request.PerFrame);

    /// <summary>Frames that counted.</summary>
    public long Frames { get; set; }

    /// <summary>The last of each tile.</summary>
    public TileVisit?[] Visits { get; } = new TileVisit?[grid.Starts.Count];

    /// <summary>Frames whose tiles count together. More than a round has would show no tile that those do not.</summary>
    public int Size => request.Window == 0 ? Rotation.Round : Math.Min(request.Window, Rotation.Round);

    public bool Fits(TileGrid other, int otherWidth, int otherHeight, TileRequest otherRequest) =>
        (otherWidth, otherHeight, other.Side, other.Step, other.Starts.Count) == (width, height, grid.Side, grid.Step, grid.Starts.Count)
        && (otherRequest.PerFrame, otherRequest.Window) == (request.PerFrame, request.Window);

    /// <summary>Whether a visit is in the window of a frame.</summary>
    public bool IsSeen(TileVisit visit, long frame) => visit.Frame > frame - Size;
}

/// <param name="Frame">That showed it, from 0.</param>
/// <param name="Logit">Clipped.</param>
/// <param name="Map">Null: there was no mask, or no room for it.</param>
internal sealed record TileVisit(long Frame, double Logit, TileMap? Map);

/// <summary>The soft map of a tile that is kept for later frames, [side, side], in half precision: its threshold of 0.5 is exact there.</summary>
internal sealed class TileMap(Half[] values, RoomLease lease) : IDisposable
{
    public static long BytesOf(int values) => 2L * values;

    public void Set(ReadOnlySpan<float> map) => TensorPrimitives.ConvertToHalf(map, values);

    public void Get(Span<float> map) => TensorPrimitives.ConvertToSingle(values, map);

    public void Dispose() => lease.Dispose();
}
