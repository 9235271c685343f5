using System.CommandLine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The options that say whether pictures are looked at in tiles, as the parser knows them.</summary>
internal sealed class TileOptionSet
{
    private readonly Option<string> _tiles = new Option<string>("--tiles")
    {
        Description = "Look at pictures in tiles, their pixels as they are: large ones where the model was trained so (auto), every one (native), or none (off: each is resized to the model's input).",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "native", "off");

    private readonly Option<uint> _maxTiles = new("--max-tiles")
    {
        Description = "The most tiles of a picture, each a run of the model. Above it they do not overlap, and above that a choice of them is analysed. [default: 256]",
        HelpName = "N",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_tiles);
        command.Options.Add(_maxTiles);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_maxTiles) is { Implicit: false } && result.GetValue(_maxTiles) == 0)
            {
                result.AddError("--max-tiles is 0: it must be at least 1; --tiles off looks at pictures whole.");
            }
        });
    }

    public TileSettings Read(ParseResult result) => new()
    {
        Policy = result.GetRequiredValue(_tiles) switch
        {
            "native" => TilePolicy.Native,
            "off" => TilePolicy.Off,
            _ => TilePolicy.Auto,
        },
        MaxTiles = result.GetValue(_maxTiles),
    };
}
