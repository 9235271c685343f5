using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>Entries of inputs and of what became of them here.</summary>
internal static class ReportEntries
{
    public static string KindOf(OutcomeRow row) => row.Outcome switch
    {
        LoupeResult { Result.Verdict: var verdict } => ReportEntry.KindOf(verdict),
        LoupeFailed => ReportEntry.Failed,
        _ => ReportEntry.LeftOut,
    };

    /// <param name="row">An input and what became of it.</param>
    /// <param name="isStream">Entries have a time.</param>
    /// <inheritdoc cref="ReportEntry.OfResult" path="/param"/>
    public static ReportEntry Of(OutcomeRow row, bool isStream, string language, ReportPictures? pictures, string whyNone)
    {
        var input = new ReportInput(row.FrameId, row.Item.Source ?? row.Item.Path, isStream, row.Item.TimeSeconds, row.Item is PixelItem);
        return row.Outcome switch
        {
            LoupeResult { Result: var result } => ReportEntry.OfResult(input, result, language, pictures, whyNone),
            LoupeFailed failed => ReportEntry.OfFailure(
                input,
                WireName.Of(failed.Code),
                row.Item.Frames > 1 ? FormattableString.Invariant($"{WireName.Of(failed.Code)}, {row.Item.Frames} frames") : WireName.Of(failed.Code),
                failed.Message,
                (row.Frame as EncodedFrame)?.Data),
            LoupeDropped dropped => ReportEntry.OfLeftOut(input, "DROPPED", WireName.Of(dropped.Reason), dropped.Age),
            LoupeExpired expired => ReportEntry.OfLeftOut(input, "EXPIRED", "its deadline passed", expired.Age),
            var other => throw new ArgumentOutOfRangeException(nameof(row), other, "No such outcome."),
        };
    }

    /// <returns>Null where this program cannot decode the picture as the server did.</returns>
    public static ReportPictures? Draw(LoupeFrame? frame, FrameResult result, int maxSide, bool isDemonstration)
    {
        try
        {
            using var stored = FramePicture.Open(frame, result);
            using var mask = stored is not null && result.Mask is { Area: > 0 } ? ResultMask.Of(result)?.ToMat() : null;
            return stored is null
                ? null
                : ReportPictures.Draw(stored, mask, result.Verdict, result.Score, maxSide, new OverlayStyle(FramePicture.OrientationOf(frame, result), isDemonstration));
        }
        catch (Exception error) when (error is OpenCvSharp.OpenCVException or InvalidDataException)
        {
            return null;
        }
    }
}
