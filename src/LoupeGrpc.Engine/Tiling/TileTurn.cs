using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Engine.Tiling;

/// <summary>
/// One frame's hold on its session's window: what it shows, what counts beside it, and the only way for it to be remembered. Once it has ended it changes nothing.
/// Thread-safe.
/// </summary>
internal sealed class TileTurn(TileWindow window, RoomLease lease)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, TileVisit> _seen = [];
    private TileMemory? _memory;
    private bool _isSceneAdded;
    private bool _isEnded;

    /// <summary>Tiles of this frame, ascending. After <see cref="TryBegin"/>.</summary>
    public int[] Tiles { get; private set; } = [];

    /// <summary>Whether a tile is one of this frame's.</summary>
    public bool Shows(int tile) => Array.BinarySearch(Tiles, tile) >= 0;

    private long Frame => _memory!.Frames;

    /// <summary>Once, of a frame that is looked at in tiles. False: its turn has ended.</summary>
    /// <param name="layout">Colours of the frame; empty: nothing is known of scenes.</param>
    public bool TryBegin(TileGrid grid, int width, int height, TileRequest request, ReadOnlySpan<byte> layout)
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return false;
            }

            bool isCut = IsCut(layout);
            _memory = !isCut && window.Memory is { } known && known.Fits(grid, width, height, request) ? known : new TileMemory(grid, width, height, request);
            Tiles = _memory.Rotation.Of(Frame);
            return true;
        }
    }

    /// <summary>A tile of this frame was analysed.</summary>
    /// <param name="logit">Clipped.</param>
    public void See(int tile, double logit)
    {
        lock (_lock)
        {
            if (!_isEnded)
            {
                _seen[tile] = new TileVisit(Frame, logit, null);
            }
        }
    }

    /// <summary>After <see cref="See"/>.</summary>
    /// <param name="map">Its soft map.</param>
    public void Keep(int tile, ReadOnlySpan<float> map)
    {
        lock (_lock)
        {
            if (!_isEnded && window.Keep(map) is { } kept)
            {
                _seen[tile] = _seen[tile] with { Map = kept };
            }
        }
    }

    /// <summary>The tiles in the window by their indices, those of this frame among them; those of a frame whose turn has ended are of no use.</summary>
    public IEnumerable<(int Tile, TileVisit Visit)> Window()
    {
        for (int tile = 0; tile < _memory!.Visits.Length; tile++)
        {
            if (_seen.TryGetValue(tile, out var fresh))
            {
                yield return (tile, fresh);
            }
            else if (_memory.Visits[tile] is { } visit && _memory.IsSeen(visit, Frame))
            {
                yield return (tile, visit);
            }
        }
    }

    /// <param name="peak">The tile with the highest score.</param>
    public TileWindowReport Report(TileVisit peak) => new(
        (int)Math.Min(Frame + 1, _memory!.Size), _memory.Size, Tiles.Length, Masked: 0, (int)(Frame - peak.Frame));

    /// <summary>Lets the session's next frame in.</summary>
    /// <param name="analysis">What the frame is answered; null: it has no result.</param>
    public void End(FrameAnalysis? analysis)
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;
            if (analysis is { VerdictIsOpen: false })
            {
                window.Commit(_memory, _seen);
            }
            else
            {
                foreach (var visit in _seen.Values)
                {
                    window.GiveBack(visit.Map);
                }

                if (_isSceneAdded)
                {
                    window.Scenes!.TakeBack();
                }
            }
        }

        lease.Dispose();
    }

    private bool IsCut(ReadOnlySpan<byte> layout)
    {
        _isSceneAdded = window.Scenes is not null && !layout.IsEmpty;
        return _isSceneAdded && window.Scenes!.Add(layout);
    }
}
