using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What clients ask for of tiles, whichever way they come.</summary>
internal static class TileRequests
{
    public const string ExpectedPolicy = "auto, native or off";

    public const string NotWhileAdapting = "tile policy NATIVE is not for sessions that adapt, whose frames are looked at whole: take AUTO or OFF";

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

    /// <summary>Tiles of a picture for which no number was given.</summary>
    public static int Default(LimitOptions limits) => Math.Min(TileRequest.DefaultTiles, limits.MaxTiles);
}
