using System.CommandLine;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>Whether a stream is judged over time.</summary>
internal enum TemporalRequest
{
    /// <summary>Where it is live.</summary>
    Auto,
    On,
    Off,
}

/// <summary>The option that says so, as the parser knows it.</summary>
internal sealed class TemporalOption
{
    private readonly Option<string> _temporal = new Option<string>("--temporal")
    {
        Description = "Judge the stream over time beside its frames: a verdict that does not flicker, and segments with the frames to look at. auto: cameras and network streams.",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "on", "off");

    public void AddTo(Command command) => command.Options.Add(_temporal);

    public TemporalRequest Read(ParseResult result) => Enum.Parse<TemporalRequest>(result.GetRequiredValue(_temporal), ignoreCase: true);
}
