namespace LoupeGrpc.Client.Cli.Output;

/// <summary>Rows as lines of JSON and CSV.</summary>
internal static class RowLines
{
    public static OutcomeLine ToLine(this OutcomeRow row)
    {
        var line = new OutcomeLine
        {
            Path = PathText.Show(row.Item.Path),
            Source = row.Item.Source is { } source ? PathText.Show(source) : null,
            FrameId = row.FrameId,
            TimeSeconds = row.Item.TimeSeconds,
            Outcome = "",
            MaskFile = row.MaskFile,
            OverlayFile = row.OverlayFile,
        };
        return row.Outcome switch
        {
            LoupeResult result => line.WithResult(result.Result),
            LoupeFailed failed => line.WithFailure(WireName.Of(failed.Code), failed.Message),
            LoupeDropped dropped => line with { Outcome = "DROPPED", Reason = WireName.Of(dropped.Reason), AgeMs = Milliseconds(dropped.Age) },
            LoupeExpired expired => line with { Outcome = "EXPIRED", Reason = "DEADLINE", AgeMs = Milliseconds(expired.Age) },
            _ => throw new InvalidOperationException($"Unknown kind of outcome: {row.Outcome.GetType().Name}."),
        };
    }

    private static double Milliseconds(TimeSpan span) => Math.Round(span.TotalMilliseconds, 3);
}
