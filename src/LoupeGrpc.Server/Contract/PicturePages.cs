using System.Runtime.InteropServices;
using LoupeGrpc.Engine;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using LoupeGrpc.Reporting;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using OpenCvSharp;
using SessionGrant = LoupeGrpc.V1.SessionGrant;

namespace LoupeGrpc.Server.Contract;

/// <summary>What became of pictures as people are shown it, by the same hands as the client's tool: overlays, and reports.</summary>
internal static class PicturePages
{
    private const byte Marked = 255;

    /// <summary>The picture with its mask, verdict and score, upright.</summary>
    /// <param name="end">With its picture.</param>
    /// <returns>PNG.</returns>
    public static byte[] ToOverlay(this FrameEnd.Analysed end, bool isDemonstration)
    {
        using var picture = PictureOf(end.Analysis);
        using var mask = MaskOf(end.Analysis);
        using var overlay = OverlayPainter.Paint(picture, mask, end.Analysis.Verdict.ToMessage(), end.Analysis.Score, new OverlayStyle(end.Analysis.Orientation, isDemonstration));
        return overlay.ImEncode(".png");
    }

    /// <param name="maxSide">Of each picture, pixels.</param>
    /// <returns>Null where there is no picture to show.</returns>
    public static ReportPictures? ToReportPictures(this FrameEnd.Analysed end, int maxSide, bool isDemonstration)
    {
        if (end.Analysis.Picture.IsEmpty)
        {
            return null;
        }

        using var picture = PictureOf(end.Analysis);
        using var mask = end.Analysis.Mask is { Area: > 0 } ? MaskOf(end.Analysis) : null;
        return ReportPictures.Draw(
            picture, mask, end.Analysis.Verdict.ToMessage(), end.Analysis.Score, maxSide, new OverlayStyle(end.Analysis.Orientation, isDemonstration));
    }

    /// <summary>Which of a report's kinds it is: <see cref="ReportEntry.Manipulated"/> and those beside it.</summary>
    public static string ToReportKind(this FrameEnd end) => end is FrameEnd.Analysed analysed ? ReportEntry.KindOf(analysed.Analysis.Verdict.ToMessage()) : ReportEntry.Failed;

    /// <param name="pictures">Null: none are shown.</param>
    /// <param name="whyNone">Said in their place.</param>
    public static ReportEntry ToReportEntry(this FrameEnd end, ReportInput input, ReportPictures? pictures, string whyNone)
    {
        switch (end)
        {
            case FrameEnd.Analysed analysed:
                return ReportEntry.OfResult(input, analysed.ToMessage(), LanguageOf(analysed.Settings), pictures, whyNone);
            case FrameEnd.Failed { Failure: var failure }:
                var code = WireName.Of(FailureMapping.CodeOf(failure.Kind));
                return ReportEntry.OfFailure(input, code, code, failure.Message, file: null);
            default:
                throw new ArgumentOutOfRangeException(nameof(end), end, "A single picture is neither dropped nor expired.");
        }
    }

    /// <summary>What a report says of a request.</summary>
    /// <param name="address">Where it came.</param>
    /// <param name="execution">Null: nothing was analysed.</param>
    /// <param name="wanted">What was wanted of its pictures.</param>
    /// <param name="given">Of that, what the request itself says, by the names of its query.</param>
    public static ReportAbout About(
        string address,
        DateTimeOffset started,
        DateTimeOffset ended,
        ModelDescription model,
        ExecutionDescription? execution,
        AnalysisSettings wanted,
        IReadOnlyList<(string Name, string Value)> given,
        ReportTally tally) => new()
        {
            Source = null,
            Started = started,
            Ended = ended,
            Server = address,
            Program = $"loupe-grpc-server {ProductVersion.Informational}",
            OptionsCaption = "Query of the request",
            Options = [.. given.Select(static option => new ReportOption(option.Name, option.Value, IsGiven: true))],
            Tally = tally,
            Grant = new SessionGrant
            {
                Model = model.ToMessage(),
                Execution = execution?.ToMessage(),
                Thresholds = wanted.Thresholds.ToMessage(),
                Mask = wanted.ToMaskSettings(adapts: false),
                Tiles = wanted.Tiles.ToMessage(),
            },
        };

    private static string LanguageOf(AnalysisSettings settings) => settings.Explain is { } language ? ExplanationLanguages.TagOf(language) : "";

    /// <summary>Of the analysis' own memory.</summary>
    private static Mat PictureOf(FrameAnalysis analysis) => Mat.FromPixelData(
        analysis.Height, analysis.Width, MatType.CV_8UC3, MemoryMarshal.TryGetArray(analysis.Picture, out var pixels) && pixels.Offset == 0 ? pixels.Array! : analysis.Picture.ToArray());

    private static Mat? MaskOf(FrameAnalysis analysis)
    {
        if (analysis.Mask is not { Encoding: Engine.MaskEncoding.Rle } mask)
        {
            return null;
        }

        var pixels = new byte[mask.Width * mask.Height];
        RunLength.Decode(mask.Data.Span, mask.Height, mask.Width, pixels);
        var picture = Mat.FromPixelData(mask.Height, mask.Width, MatType.CV_8UC1, pixels);
        Cv2.Threshold(picture, picture, 0, Marked, ThresholdTypes.Binary);
        return picture;
    }
}
