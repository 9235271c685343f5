using System.CommandLine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options that say whether the frames of a stream are looked at in tiles, some of each, as the parser knows them.</summary>
internal sealed class StreamTileOptionSet
{
    /// <summary>What a frame of a large video may cost beside a whole one, and still shows each part of it within a second or so.</summary>
    private const uint DefaultTiles = 16;

    private readonly Option<string> _tiles = new Option<string>("--tiles")
    {
        Description = "Look at frames in tiles, their pixels as they are, at some of each: large ones where the model was trained so (auto), every one (native), or none (off).",
        DefaultValueFactory = _ => "off",
    }.AcceptOnlyFromAmong("auto", "native", "off");

    private readonly Option<uint> _perFrame = new("--tiles-per-frame")
    {
        Description = $"With --tiles: tiles of each frame, each a run of the model. The next frame shows others, until all were shown. [default: {DefaultTiles}]",
        HelpName = "N",
    };

    private readonly Option<uint> _window = new("--tile-window")
    {
        Description = "With --tiles: frames whose tiles a score is made of. [default: as many as show every tile once]",
        HelpName = "FRAMES",
    };

    private readonly Option<uint> _maxTiles = new("--max-tiles")
    {
        Description = "With --tiles: from more tiles than that on they do not overlap. [default: 256]",
        HelpName = "N",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_tiles);
        Option<uint>[] numbers = [_perFrame, _window, _maxTiles];
        foreach (var number in numbers)
        {
            command.Options.Add(number);
        }

        command.Validators.Add(result =>
        {
            foreach (var number in numbers.Where(number => result.GetResult(number) is { Implicit: false }))
            {
                if (result.GetResult(_tiles) is not { Implicit: false })
                {
                    result.AddError($"{number.Name} needs --tiles auto or --tiles native: without it frames are looked at whole.");
                }
                else if (result.GetValue(number) == 0)
                {
                    result.AddError($"{number.Name} is 0: it must be at least 1.");
                }
            }
        });
    }

    /// <returns>Null: frames are looked at whole.</returns>
    public TileSettings? Read(ParseResult result) => result.GetRequiredValue(_tiles) is var policy and not "off"
        ? new TileSettings
        {
            Policy = policy == "native" ? TilePolicy.Native : TilePolicy.Auto,
            MaxTiles = result.GetValue(_maxTiles),
            TilesPerFrame = result.GetResult(_perFrame) is { Implicit: false } ? result.GetValue(_perFrame) : DefaultTiles,
            WindowFrames = result.GetValue(_window),
        }
        : null;
}
