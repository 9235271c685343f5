using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>From rows of pictures, each of which stands for itself, to what was found and lost: one event for each that is manipulated or failed.</summary>
/// <param name="tell">Told the type of an event, and its data.</param>
internal sealed class PictureTracker(Action<string, JsonObject> tell) : IFindingTracker
{
    public long Findings { get; private set; }

    public long Losses { get; private set; }

    public void Write(OutcomeRow row)
    {
        switch (row.Outcome)
        {
            // Somebody ended the run, and knows it.
            case LoupeFailed { Code: LoupeFailureCode.Canceled }:
                break;
            case LoupeFailed or LoupeDropped or LoupeExpired:
                Losses++;
                tell("loss", new JsonObject { ["loss"] = Losses, ["result"] = Line(row) });
                break;
            case LoupeResult { Result.Verdict: Verdict.Manipulated }:
                Findings++;
                tell("finding", new JsonObject { ["finding"] = Findings, ["result"] = Line(row) });
                break;
        }
    }

    public void Complete()
    {
    }

    /// <summary>Its mask would make the event large, its regions say where.</summary>
    private static JsonNode? Line(OutcomeRow row) => JsonSerializer.SerializeToNode(row.ToLine() with { Mask = null }, OutcomeLine.Json.OutcomeLine);
}
