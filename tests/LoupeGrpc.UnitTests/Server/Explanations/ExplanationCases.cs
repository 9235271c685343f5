using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Provenance;
using LoupeGrpc.Server.Explanations;

namespace LoupeGrpc.UnitTests.Server.Explanations;

/// <summary>For each sentence a result that has it, and results just beside it that do not.</summary>
internal static class ExplanationCases
{
    private static readonly VerdictThresholds Default = VerdictThresholds.Default;

    /// <summary>A picture of 400 x 200 pixels that is authentic, with no mask and nothing measured that is worth a word beside its score.</summary>
    public static FrameAnalysis Plain { get; } = new()
    {
        Score = 0.1f,
        Verdict = Verdict.Authentic,
        Width = 400,
        Height = 200,
        Sha256 = new byte[32],
        MaskOmission = MaskOmission.Policy,
        Timings = new StageTimings(default, default, default, default, default, default, default),
        Execution = new ExecutionDescription("CPU", "fp32", ""),
        Evidence = new FrameEvidence { InputSide = 224, MaskThreshold = 0.5f, Brightness = 0.5f, JpegQuality = 90 },
    };

    public static IReadOnlyDictionary<ExplanationCode, ExplanationCase> All { get; } = new Dictionary<ExplanationCode, ExplanationCase>
    {
        [ExplanationCode.ScoreManipulated] = new(Judged(0.6f), [Judged(0.599f)], ("score", 0.6), ("high", 0.6)),
        [ExplanationCode.ScoreAuthentic] = new(Judged(0.399f), [Judged(0.4f)], ("score", 0.399), ("low", 0.4)),
        [ExplanationCode.ScoreUncertain] = new(Judged(0.4f), [Judged(0.6f), Open(0.9f)], ("score", 0.4), ("low", 0.4), ("high", 0.6)),
        [ExplanationCode.VerdictLeftOpen] = new(Open(0.93f), [Open(0.5f), Judged(0.93f)], ("score", 0.93)),
        [ExplanationCode.ScoreNearThreshold] = new(Judged(0.35f), [Judged(0.34f), Judged(0.651f), Judged(0.5f)], ("distance", 0.05), ("threshold", 0.4)),
        [ExplanationCode.MaskInOneField] = new(
            Marked(0, 0, 100, 0, 0, 600, 200, 50, 50), [Marked(0, 0, 101, 0, 0, 599, 200, 50, 50), Marked()], ("share", 0.0125), ("field", 6), ("field_share", 0.6)),
        [ExplanationCode.MaskSpread] = new(
            Marked(0, 0, 101, 0, 0, 599, 200, 50, 50), [Marked(0, 0, 100, 0, 0, 600, 200, 50, 50), Marked()],
            ("share", 0.0125), ("fields", 5), ("field", 6), ("field_share", 0.599)),
        [ExplanationCode.OneRegion] = new(
            Marked(8000) with { Regions = [Region(10, 20, 80, 100, 0.85f)] },
            [Marked(8000), Marked(8000) with { Regions = [Region(10, 20, 80, 100, 0.85f), Region(300, 20, 8, 10, 0.9f)] }],
            ("width", 80), ("height", 100), ("mean", 0.85), ("mask_threshold", 0.5)),
        [ExplanationCode.StrongestRegion] = new(
            Marked(8080) with { Regions = [Region(10, 20, 80, 100, 0.85f), Region(300, 150, 8, 10, 0.9f)] },
            [Marked(8000) with { Regions = [Region(10, 20, 80, 100, 0.85f)] }],
            ("regions", 2), ("field", 9), ("width", 8), ("height", 10), ("mean", 0.9), ("mask_threshold", 0.5)),
        [ExplanationCode.MaskOfSpecks] = new(Marked(1), [Marked(), Marked(100) with { Regions = [Region(0, 0, 10, 10, 1)] }], ("pixels", 1)),
        [ExplanationCode.MaskEmpty] = new(Judged(0.5f, Marked()), [Judged(0.9f, Marked()), Judged(0.5f, Marked(1)), Judged(0.5f)]),
        [ExplanationCode.MaskMissing] = new(Judged(0.9f, Marked()), [Judged(0.5f, Marked()), Judged(0.9f, Marked(1)), Judged(0.9f)]),
        [ExplanationCode.MaskAgainstVerdict] = new(Judged(0.1f, Marked(800)), [Judged(0.1f, Marked()), Judged(0.5f, Marked(800)), Judged(0.9f, Marked(800))], ("share", 0.01)),
        [ExplanationCode.PatchesAgree] = new(OnPatches(3, 495), [OnPatches(3, 494), OnPatches(0, 0)], ("patches", 3), ("patches_in_all", 256), ("mask_on_patches", 0.495)),
        [ExplanationCode.PatchesDisagree] = new(OnPatches(3, 494), [OnPatches(3, 495), OnPatches(0, 0)], ("patches", 3), ("patches_in_all", 256), ("mask_on_patches", 0.494)),
        [ExplanationCode.PatchesSilent] = new(OnPatches(0, 0), [OnPatches(1, 0), Patched(0), Marked(1000)], ("patches_in_all", 256)),
        [ExplanationCode.PatchesAlone] = new(Patched(1), [Patched(0), OnPatches(1, 0), Plain], ("patches", 1), ("patches_in_all", 256)),
        [ExplanationCode.PatchesClear] = new(Patched(0), [Patched(1), OnPatches(0, 0), Plain], ("patches_in_all", 256)),
        [ExplanationCode.Tiles] = new(Tiled(6, 6), [Tiled(5, 6), Pooled(6, 6), Plain], ("tiles", 6), ("input", 224)),
        [ExplanationCode.TilesInPart] = new(Tiled(5, 20), [Tiled(6, 6), Pooled(5, 20), Plain], ("tiles", 5), ("tiles_in_all", 20), ("coverage", 0.25)),
        [ExplanationCode.TilesOfFrames] = new(
            Pooled(6, 6), [Pooled(6, 6, frames: 1), Pooled(5, 6), Tiled(6, 6), Plain], ("tiles", 6), ("input", 224), ("window_frames", 3), ("fresh_tiles", 2)),
        [ExplanationCode.TilesOfFramesInPart] = new(
            Pooled(5, 20), [Pooled(5, 20, frames: 1), Pooled(6, 6), Tiled(5, 20), Plain],
            ("tiles", 5), ("tiles_in_all", 20), ("coverage", 0.25), ("window_frames", 3), ("fresh_tiles", 2)),
        [ExplanationCode.MaskOfFewerTiles] = new(Pooled(6, 6, masked: 4), [Pooled(6, 6, masked: 6), Pooled(6, 6), Tiled(6, 6), Plain], ("mask_tiles", 4), ("tiles", 6)),
        [ExplanationCode.TilePeakBefore] = new(Pooled(6, 6, age: 2), [Pooled(6, 6), Pooled(1, 1, age: 2), Tiled(6, 6), Plain], ("peak_age", 2)),
        [ExplanationCode.TilePeak] = new(Tiled(2, 2), [Tiled(1, 1), Plain], ("tile_score", 0.9), ("field", 3)),
        [ExplanationCode.TilePeakOutvoted] = new(Tiled(2, 2), [Tiled(2, 2, peak: 0.59f), Judged(0.7f, Tiled(2, 2)), Tiled(1, 1)], ("tile_score", 0.9), ("high", 0.6)),
        [ExplanationCode.Squeezed] = new(Sized(560, 10), [Sized(559, 10), Sized(560, 10) with { Tiles = Tiled(6, 6).Tiles }], ("factor", 2.5), ("input", 224)),
        [ExplanationCode.TooSmall] = new(Sized(300, 111), [Sized(300, 112)], ("picture_width", 300), ("picture_height", 111), ("input", 224)),
        [ExplanationCode.Compressed] = new(Measured(Plain.Evidence! with { JpegQuality = 49 }), [Measured(Plain.Evidence! with { JpegQuality = 50 }), Measured(Plain.Evidence! with { JpegQuality = null })], ("quality", 49)),
        [ExplanationCode.Dark] = new(Measured(Plain.Evidence! with { Brightness = 0.149f }), [Measured(Plain.Evidence! with { Brightness = 0.15f }), Measured(Plain.Evidence! with { Brightness = null })], ("brightness", 0.149)),
        [ExplanationCode.Damaged] = new(Noted(ImageNoteKind.Damaged), [Noted(ImageNoteKind.Scaled)]),
        [ExplanationCode.FirstPictureOnly] = new(
            Noted(ImageNoteKind.FirstFrameOnly) with { Evidence = Plain.Evidence! with { Pictures = 2 } }, [Measured(Plain.Evidence! with { Pictures = 2 })], ("pictures", 2)),
        [ExplanationCode.PreviewPassedOver] = new(Noted(ImageNoteKind.PreviewOnly), [Noted(ImageNoteKind.FirstFrameOnly)]),
        [ExplanationCode.BitDepthReduced] = new(
            Noted(ImageNoteKind.BitDepthReduced) with { Evidence = Plain.Evidence! with { BitDepth = 16 } }, [Measured(Plain.Evidence! with { BitDepth = 16 })], ("bits", 16)),
        [ExplanationCode.TransparencyIgnored] = new(Noted(ImageNoteKind.AlphaDropped), [Noted(ImageNoteKind.Scaled)]),
        [ExplanationCode.ColoursConverted] = new(Noted(ImageNoteKind.CmykConverted), [Noted(ImageNoteKind.Scaled)]),
        [ExplanationCode.Turned] = new(Plain with { Orientation = 6 }, [Plain], ("orientation", 6)),
        [ExplanationCode.Adapted] = new(Adapted(7), [Adapted(0), Adapted(7) with { Evidence = Plain.Evidence }, Compared(7, 0.1f)], ("step", 7), ("drift", 0.0125)),
        [ExplanationCode.AdaptationChangedMask] = new(
            Compared(7, 0.1f), [Compared(7, 0), Compared(0, 0.1f), Adapted(7)], ("step", 7), ("disagreement", 0.1), ("share", 0.025), ("base_share", 0.05)),
        [ExplanationCode.AdaptationKeptMask] = new(Compared(1, 0), [Compared(1, 0.1f), Compared(0, 0), Adapted(1)], ("step", 1)),
        [ExplanationCode.AdaptationFrozen] = new(Adapted(7, frozen: true), [Adapted(7), Plain], ("step", 7)),
        [ExplanationCode.MaskNotAskedFor] = new(
            Judged(0.5f), [Judged(0.1f), Judged(0.5f) with { Economies = Economies.NoMask }, Judged(0.5f) with { MaskOmission = MaskOmission.None }]),
        [ExplanationCode.MaskTooLarge] = new(Marked(1) with { MaskOmission = MaskOmission.Budget }, [Marked(1), Judged(0.5f)]),
        [ExplanationCode.MaskSaved] = new(Judged(0.5f) with { Economies = Economies.NoMask }, [Judged(0.5f) with { Economies = Economies.NoDualVerdict }]),
        [ExplanationCode.CredentialsHold] = new(
            Signed(Sound),
            [Signed(Sound with { Binding = Failed }), Signed(Sound with { Signature = Failed }), Signed(Sound with { Assertions = Failed }), Signed(Sound with { Binding = default }), Signed(Unread), Plain]),
        [ExplanationCode.CredentialsOfOtherBytes] = new(Signed(Sound with { Binding = Failed }), [Signed(Sound), Signed(Sound with { Binding = default }), Signed(Unread), Plain]),
        [ExplanationCode.CredentialsChanged] = new(
            Signed(Sound with { Signature = Failed }), [Signed(Sound), Signed(Sound with { Binding = Failed }), Signed(Sound with { Signature = default }), Signed(Unread), Plain]),
        [ExplanationCode.CredentialsUnreadable] = new(Signed(Unread), [Signed(Sound), Signed(Sound with { Signature = Failed }), Plain]),
        [ExplanationCode.CredentialsInPart] = new(
            Signed(Sound with { Binding = default }), [Signed(Sound), Signed(Sound with { Binding = default, Signature = Failed }), Signed(Unread), Plain]),
        [ExplanationCode.CredentialsLeaveOut] = new(Signed(Sound with { BytesLeftOut = 500 }), [Signed(Sound), Signed(Unread), Plain], ("bytes_left_out", 500)),
        [ExplanationCode.CredentialsTrusted] = new(
            Signed(Sound with { Trust = Passed }), [Signed(Sound), Signed(Sound with { Trust = Passed, Binding = Failed }), Signed(Unread), Plain]),
        [ExplanationCode.CredentialsSignerUnknown] = new(Signed(Sound), [Signed(Sound with { Trust = Passed }), Signed(Sound with { Signature = Failed }), Signed(Unread), Plain]),
        [ExplanationCode.CredentialsNotValidThen] = new(
            Signed(Sound with { Validity = Failed }), [Signed(Sound), Signed(Sound with { Validity = Passed }), Signed(Sound with { Validity = Failed, Assertions = Failed }), Plain]),
        [ExplanationCode.CredentialsClaimGenerated] = new(
            Signed(Sound with { SourceTypes = ["digitalCapture", "trainedAlgorithmicMedia"] }),
            [Signed(Sound), Signed(Sound with { SourceTypes = ["algorithmicMedia"] }), Signed(Sound with { SourceTypes = ["trainedAlgorithmicMedia"], Binding = Failed }), Plain]),
        [ExplanationCode.CredentialsClaimComposite] = new(
            Signed(Sound with { SourceTypes = ["compositeWithTrainedAlgorithmicMedia"] }), [Signed(Sound), Signed(Sound with { SourceTypes = ["trainedAlgorithmicMedia"] }), Plain]),
        [ExplanationCode.CredentialsClaimCaptured] = new(
            Signed(Sound with { SourceTypes = ["digitalCapture"] }), [Signed(Sound), Signed(Sound with { SourceTypes = ["digitalCapture"], Signature = Failed }), Plain]),
    };

    private static CredentialsCheck Passed => new(CheckResult.Holds, "");

    private static CredentialsCheck Failed => new(CheckResult.Fails, "…");

    private static ContentCredentials Sound => new() { Reading = Passed, Binding = Passed, Assertions = Passed, Signature = Passed };

    private static ContentCredentials Unread => new() { Reading = Failed };

    private static FrameAnalysis Signed(ContentCredentials credentials) => Plain with { Provenance = new FrameProvenance { Credentials = credentials } };

    private static FrameAnalysis Judged(float score, FrameAnalysis? picture = null) => (picture ?? Plain) with { Score = score, Verdict = Default.VerdictOf(score) };

    /// <summary>Its verdict is open because it is damaged.</summary>
    private static FrameAnalysis Open(float score) => Judged(score) with { Verdict = Verdict.Uncertain };

    private static FrameAnalysis Measured(FrameEvidence evidence) => Plain with { Evidence = evidence };

    /// <param name="fields">Forged pixels of each of the nine; those that are left out have none.</param>
    private static FrameAnalysis Marked(params long[] fields) => Plain with
    {
        MaskOmission = MaskOmission.None,
        Evidence = Plain.Evidence! with { Mask = new MaskEvidence(fields.Sum(), [.. fields, .. new long[9 - fields.Length]], OnSuspectedPatches: null) },
    };

    private static FrameAnalysis Patched(int suspected) => Measured(Plain.Evidence! with { Patches = new PatchEvidence(256, suspected) });

    /// <summary>1000 pixels are marked.</summary>
    private static FrameAnalysis OnPatches(int suspected, long onSuspected)
    {
        var marked = Marked(1000);
        return marked with { Evidence = marked.Evidence! with { Patches = new PatchEvidence(256, suspected), Mask = marked.Evidence.Mask! with { OnSuspectedPatches = onSuspected } } };
    }

    private static MaskRegion Region(int x, int y, int width, int height, float mean) => new(x, y, width, height, (long)width * height, mean);

    private static FrameAnalysis Tiled(int analysed, int all, float peak = 0.9f) =>
        Plain with { Tiles = new TileReport(analysed, all, 160, analysed < all, new TilePeak(peak, 300, 0, 100, 60)) };

    private static FrameAnalysis Pooled(int analysed, int all, int frames = 3, int masked = 0, int age = 0) => Plain with
    {
        Tiles = new TileReport(analysed, all, 160, false, new TilePeak(0.9f, 300, 0, 100, 60)) { Window = new TileWindowReport(frames, 3, Fresh: 2, masked, age) },
    };

    private static FrameAnalysis Sized(int width, int height) => Plain with { Width = width, Height = height };

    private static FrameAnalysis Noted(ImageNoteKind kind) => Plain with { Notes = [new ImageNote(kind, "…")] };

    private static FrameAnalysis Adapted(long step, bool frozen = false) => Marked(2000) with { Adaptation = new AdaptationReport(step, new byte[32], 0.0125f, frozen, 1) };

    private static FrameAnalysis Compared(long step, float disagreement)
    {
        var adapted = Adapted(step);
        return adapted with { MaskDisagreement = disagreement, Evidence = adapted.Evidence! with { BaseMaskArea = 4000 } };
    }
}

/// <param name="Picture">Has the sentence.</param>
/// <param name="Without">Do not have it, by a little.</param>
/// <param name="Numbers">Of the sentence, in the order in which a rule gives them.</param>
internal sealed record ExplanationCase(FrameAnalysis Picture, IReadOnlyList<FrameAnalysis> Without, params (string Name, double Value)[] Numbers);
