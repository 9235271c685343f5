using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Decides which frames are looked at in tiles, and in how many. Thread-safe.</summary>
internal sealed class TilePlanner(ModelManifest manifest)
{
    /// <summary>With <see cref="TilePolicy.Auto"/>: longer sides, in model's inputs, up to which pictures are whole.</summary>
    private const double WholeSides = 2.5;

    /// <summary>Weight of the newest picture in how long a tile is expected to take.</summary>
    private const double Smoothing = 0.25;

    private double _secondsPerTile;

    /// <summary>Null: the frame is analysed whole.</summary>
    public TilePlan? Plan(FrameInput input, AnalysisRequest request, FrameShape shape)
    {
        if (!IsTiled(input, request, shape))
        {
            return null;
        }

        int limit = request.Tiles.MaxTiles;
        double seconds = Volatile.Read(ref _secondsPerTile);
        if (request.Tiles.PerFrame == 0 && request.Tiles.Budget is { } budget && seconds > 0)
        {
            limit = (int)Math.Clamp(budget.TotalSeconds / seconds, 1, limit);
        }

        return new TilePlan(TileGrid.Of(shape.Width, shape.Height, manifest.ImageSize, limit), limit);
    }

    /// <summary>A picture was looked at.</summary>
    public void Record(int tiles, TimeSpan elapsed)
    {
        double seconds = elapsed.TotalSeconds / tiles;
        double before = Volatile.Read(ref _secondsPerTile);
        Volatile.Write(ref _secondsPerTile, before == 0 ? seconds : before + (Smoothing * (seconds - before)));
    }

    private bool IsTiled(FrameInput input, AnalysisRequest request, FrameShape shape) => request.Tiles.Policy switch
    {
        TilePolicy.Native => true,
        TilePolicy.Auto => manifest.Tiles is not null
            && (input is EncodedInput || request.Tiles.PerFrame > 0)
            && request.Adaptation is null
            && Math.Max(shape.Width, shape.Height) > WholeSides * manifest.ImageSize,
        _ => false,
    };
}
