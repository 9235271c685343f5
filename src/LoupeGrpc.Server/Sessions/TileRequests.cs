using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What clients ask for of tiles, whichever way they come.</summary>
internal static class TileRequests
{
    public const string ExpectedPolicy = "auto, native or off";

    public const string NotWhileAdapting = "tile policy NATIVE is not for sessions that adapt, whose frames are looked at whole: take AUTO or OFF";

    public const string RotatingNotWhileAdapting = "tiles_per_frame is not for sessions that adapt, whose frames are looked at whole";

    public const string RotatingNeedsFrames = "tiles_per_frame is for the frames of a session; a picture is looked at in all of its tiles, of which max_tiles is the most";

    /// <summary>In words, as the client's tool takes them too. Null where it is none of them.</summary>
    public static TilePolicy? ReadPolicy(string text) => text switch
    {
        "auto" => TilePolicy.Auto,
        "native" => TilePolicy.Native,
        "off" => TilePolicy.Off,
        _ => null,
    };

    /// <summary>Null, and why, where there may not be as many.</summary>
    /// <param name="most">0: the default.</param>
    public static TileRequest? Of(TilePolicy policy, uint most, TimeSpan? budget, LimitOptions limits, out string? error)
    {
        error = most <= limits.MaxTiles ? null : $"max_tiles is {most}, more than {limits.MaxTiles}: Loupe:Limits:MaxTiles";
        return error is null ? new TileRequest(policy, most == 0 ? Default(limits) : (int)most) { Budget = budget } : null;
    }

    /// <summary>With some tiles of each frame. Null, and why, where that makes no sense.</summary>
    /// <param name="perFrame">0: each frame is looked at by itself.</param>
    /// <param name="window">0: the default.</param>
    public static TileRequest? Rotating(TileRequest request, uint perFrame, uint window, out string? error)
    {
        error = perFrame > TileRequest.Ceiling ? $"tiles_per_frame is {perFrame}, more than {TileRequest.Ceiling}"
            : window > TileRequest.Ceiling ? $"window_frames is {window}, more than {TileRequest.Ceiling}"
            : perFrame == 0 && window > 0 ? "window_frames needs tiles_per_frame: without it each frame is looked at by itself"
            : perFrame > 0 && request.Policy == TilePolicy.Off ? "tiles_per_frame needs the tile policy AUTO or NATIVE"
            : perFrame > 0 && request.Budget is not null ? "tiles_per_frame says how many tiles of a frame are looked at: leave budget_ms out"
            : null;
        return error is null ? request with { PerFrame = (int)perFrame, Window = (int)window } : null;
    }

    /// <summary>Tiles of a picture for which no number was given.</summary>
    public static int Default(LimitOptions limits) => Math.Min(TileRequest.DefaultTiles, limits.MaxTiles);
}
