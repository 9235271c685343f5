using System.CommandLine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>When masks are computed.</summary>
internal sealed class MaskOption : Option<string>
{
    public MaskOption()
        : base("--mask")
    {
        Description = "When the server computes where a picture was forged: for every picture, for those that are not authentic, or never.";
        DefaultValueFactory = _ => "suspected";
        this.AcceptOnlyFromAmong("always", "suspected", "never");
    }

    public MaskPolicy Read(ParseResult result) => result.GetRequiredValue(this) switch
    {
        "always" => MaskPolicy.Always,
        "never" => MaskPolicy.Never,
        _ => MaskPolicy.WhenSuspected,
    };
}
