using System.Text;
using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Explanations;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.V1;
using MaskEncoding = LoupeGrpc.Engine.MaskEncoding;
using MaskOmission = LoupeGrpc.Engine.MaskOmission;
using StageTimings = LoupeGrpc.Engine.StageTimings;
using TilePeak = LoupeGrpc.V1.TilePeak;
using TileReport = LoupeGrpc.V1.TileReport;
using Verdict = LoupeGrpc.Engine.Verdict;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>What the engine found, as messages of the contract.</summary>
internal static class ResultMessages
{
    /// <summary>Each economy, here and on the wire.</summary>
    public static IReadOnlyList<(Economies Economy, Economy Wire)> WireEconomies { get; } =
        [(Economies.NoAdaptationStep, Economy.NoAdaptationStep), (Economies.NoDualVerdict, Economy.NoDualVerdict), (Economies.NoMask, Economy.NoMask)];

    public static FrameResult ToMessage(this FrameEnd.Analysed end)
    {
        var (analysis, thresholds) = (end.Analysis, end.Settings.Thresholds);
        var result = new FrameResult
        {
            Score = analysis.Score,
            Verdict = analysis.Verdict.ToMessage(),
            Thresholds = thresholds.ToMessage(),
            Mask = analysis.Mask?.ToMessage(),
            MaskOmission = analysis.MaskOmission switch
            {
                MaskOmission.Policy => Wire.MaskOmission.Policy,
                MaskOmission.Budget => Wire.MaskOmission.Budget,
                _ => Wire.MaskOmission.Unspecified,
            },
            MaskAgreement = analysis.MaskAgrees switch
            {
                true => MaskAgreement.Agrees,
                false => MaskAgreement.Disagrees,
                null => MaskAgreement.Unspecified,
            },
            Sha256 = UnsafeByteOperations.UnsafeWrap(analysis.Sha256),
            Width = (uint)analysis.Width,
            Height = (uint)analysis.Height,
            Orientation = (uint)analysis.Orientation,
            Timings = analysis.Timings.ToMessage(),
            Execution = analysis.Execution.ToMessage(),
            Adaptation = analysis.Adaptation?.ToMessage(),
            BaseMask = analysis.BaseMask?.ToMessage(),
            MaskDisagreement = analysis.MaskDisagreement ?? 0,
            Tiles = analysis.Tiles?.ToMessage(),
            Provenance = analysis.Provenance?.ToMessage(),
            Receipt = UnsafeByteOperations.UnsafeWrap(end.Receipt),
            Temporal = end.Temporal?.ToMessage(),
        };
        foreach (var region in analysis.Regions)
        {
            result.Regions.Add(new Region
            {
                Box = new Box { X = (uint)region.X, Y = (uint)region.Y, Width = (uint)region.Width, Height = (uint)region.Height },
                Area = (ulong)region.Area,
                Mean = region.Mean,
            });
        }

        foreach (var (economy, wire) in WireEconomies)
        {
            if (analysis.Economies.HasFlag(economy))
            {
                result.Economies.Add(wire);
            }
        }

        foreach (var note in analysis.Notes)
        {
            result.Notes.Add(new Note { Code = CodeOf(note.Kind), Message = note.Message });
        }

        if (end.Settings.Explain is { } language)
        {
            result.Explanation.AddRange(Explainer.Explain(analysis, thresholds, language).Select(static sentence => sentence.ToMessage()));
        }

        return result;
    }

    public static Thresholds ToMessage(this VerdictThresholds thresholds) => new() { Low = thresholds.Low, High = thresholds.High };

    public static ExecutionInfo ToMessage(this ExecutionDescription execution) =>
        new() { Provider = execution.Provider, Precision = execution.Precision, Device = execution.Device };

    public static Wire.Verdict ToMessage(this Verdict verdict) => verdict switch
    {
        Verdict.Authentic => Wire.Verdict.Authentic,
        Verdict.Manipulated => Wire.Verdict.Manipulated,
        _ => Wire.Verdict.Uncertain,
    };

    private static TileReport ToMessage(this Engine.TileReport tiles) => new()
    {
        Analysed = (uint)tiles.Analysed,
        Total = (uint)tiles.Of,
        Step = (uint)tiles.Step,
        WholePictureRun = tiles.WholePictureRun,
        Coverage = tiles.Coverage,
        Peak = new TilePeak
        {
            Score = tiles.Peak.Score,
            Box = new Box { X = (uint)tiles.Peak.X, Y = (uint)tiles.Peak.Y, Width = (uint)tiles.Peak.Width, Height = (uint)tiles.Peak.Height },
        },
        Window = tiles.Window is { } window
            ? new TileWindow
            {
                Frames = (uint)window.Frames,
                Size = (uint)window.Size,
                Fresh = (uint)window.Fresh,
                Masked = (uint)window.Masked,
                PeakAge = (uint)window.PeakAge,
            }
            : null,
    };

    private static Wire.Explanation ToMessage(this Explanations.Explanation sentence)
    {
        var message = new Wire.Explanation { Code = (Wire.ExplanationCode)sentence.Code, Text = sentence.Text };
        foreach (var (name, value) in sentence.Numbers)
        {
            message.Numbers.Add(name, value);
        }

        return message;
    }

    private static Mask ToMessage(this EncodedMask mask)
    {
        var message = new Mask { Area = (ulong)mask.Area };
        switch (mask.Encoding)
        {
            case MaskEncoding.Png:
                message.Png = UnsafeByteOperations.UnsafeWrap(mask.Data);
                break;
            case MaskEncoding.SoftPng:
                message.SoftPng = UnsafeByteOperations.UnsafeWrap(mask.Data);
                break;
            default:
                message.Rle = new CocoRle
                {
                    Size = { (uint)mask.Height, (uint)mask.Width },
                    Counts = Encoding.ASCII.GetString(mask.Data.Span),
                };
                break;
        }

        return message;
    }

    private static Wire.StageTimings ToMessage(this StageTimings timings) => new()
    {
        QueueMs = (float)timings.Queue.TotalMilliseconds,
        DecodeMs = (float)timings.Decode.TotalMilliseconds,
        PreprocessMs = (float)timings.Preprocess.TotalMilliseconds,
        EncodeMs = (float)timings.Encode.TotalMilliseconds,
        SegmentMs = (float)timings.Segment.TotalMilliseconds,
        MaskMs = (float)timings.Mask.TotalMilliseconds,
        AdaptMs = (float)timings.Adapt.TotalMilliseconds,
        DualMs = (float)timings.Dual.TotalMilliseconds,
        TotalMs = (float)timings.Total.TotalMilliseconds,
    };

    private static NoteCode CodeOf(ImageNoteKind kind) => kind switch
    {
        ImageNoteKind.FirstFrameOnly => NoteCode.FirstFrameOnly,
        ImageNoteKind.BitDepthReduced => NoteCode.BitDepthReduced,
        ImageNoteKind.AlphaDropped => NoteCode.AlphaDropped,
        ImageNoteKind.OrientationNotApplied => NoteCode.OrientationNotApplied,
        ImageNoteKind.Scaled => NoteCode.Scaled,
        ImageNoteKind.CmykConverted => NoteCode.CmykConverted,
        ImageNoteKind.Damaged => NoteCode.Damaged,
        ImageNoteKind.PreviewOnly => NoteCode.PreviewOnly,
        ImageNoteKind.Software => NoteCode.Software,
        _ => NoteCode.Unspecified,
    };
}
