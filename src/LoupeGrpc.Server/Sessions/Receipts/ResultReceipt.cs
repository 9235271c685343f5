using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.Receipts;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Sessions.Receipts;

/// <summary>What a receipt says of a result.</summary>
internal static class ResultReceipt
{
    /// <summary>Bytes that a signed one has at most: its names are bounded.</summary>
    public const int MostBytes = 6 << 10;

    /// <param name="end">With digests.</param>
    /// <param name="runtime">ONNX Runtime with its version.</param>
    /// <param name="frame">What does not come from the result.</param>
    public static ReceiptStatement Of(FrameEnd.Analysed end, ModelDescription model, string runtime, ReceiptPredicate frame)
    {
        var (analysis, settings, digests) = (end.Analysis, end.Settings, end.Analysis.Digests!);
        return new ReceiptStatement
        {
            Subject = [new ReceiptSubject("the bytes received", new ReceiptDigest(Hex(analysis.Sha256)))],
            PredicateType = ReceiptStatement.ResultType,
            Predicate = frame with
            {
                Picture = new ReceiptPicture(
                    digests.Format, analysis.Width, analysis.Height, analysis.Orientation, digests.Decoder, digests.Pixels is { } pixels ? Hex(pixels) : null),
                Model = new ReceiptModel(model.Name, model.Version, model.Hash, model.Demonstration),
                Execution = new ReceiptExecution(
                    analysis.Execution.Provider, analysis.Execution.Precision, analysis.Execution.Device, runtime, settings.Deterministic),
                Settings = new ReceiptSettings(
                    settings.Thresholds.Low,
                    settings.Thresholds.High,
                    WireName.Of(settings.Mask.Policy),
                    WireName.Of(settings.Tiles.Policy),
                    settings.Tiles.MaxTiles,
                    (int)(settings.Tiles.Budget?.TotalMilliseconds ?? 0),
                    settings.Tiles.PerFrame > 0 ? settings.Tiles.PerFrame : null,
                    settings.Tiles.Window > 0 ? settings.Tiles.Window : null),
                Adaptation = analysis.Adaptation is { } state && end.Adaptation is { } learning
                    ? new ReceiptAdaptation(state.Step, Hex(state.Hash), state.Frozen, Of(learning))
                    : null,
                Result = new ReceiptResult(
                    analysis.Score,
                    WireName.Of(analysis.Verdict),
                    [.. analysis.Notes.Select(static note => WireName.Of(note.Kind))],
                    [.. Enum.GetValues<Economies>().Where(economy => economy != Economies.None && analysis.Economies.HasFlag(economy)).Select(WireName.Of)],
                    digests.Mask is { } mask ? new ReceiptMask(Hex(mask.Sha256), mask.Area) : null,
                    analysis.Tiles is { } tiles ? new ReceiptTiles(tiles.Analysed, tiles.Of, tiles.Step, Of(tiles.Window)) : null),
            },
        };
    }

    private static ReceiptTileWindow? Of(TileWindowReport? window) => window is null ? null : new ReceiptTileWindow(window.Frames, window.Fresh, window.Masked);

    private static ReceiptLearning Of(AdaptationSettings settings) => new(
        settings.LearningRate,
        settings.StepsPerFrame,
        settings.MinConfidence,
        settings.EveryNth,
        settings.DualVerdictEveryNth,
        settings.Guard is { } guard
            ? new ReceiptGuard(
                guard.Action == GuardAction.RollBack ? "ROLLBACK" : "FREEZE",
                guard.MaxSameLabel,
                guard.CompareEveryNth,
                Bound(guard.MaxDrift),
                Bound(guard.MaxDisagreement),
                Bound(guard.MaxLossRatio))
            : null);

    private static float? Bound(float bound) => float.IsFinite(bound) ? bound : null;

    private static string Hex(ReadOnlyMemory<byte> digest) => Convert.ToHexStringLower(digest.Span);
}
