using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Inference;

/// <summary>What was found in pictures, as tensors.</summary>
internal static class InferenceResults
{
    private static readonly byte[] Authentic = "AUTHENTIC"u8.ToArray();
    private static readonly byte[] Uncertain = "UNCERTAIN"u8.ToArray();
    private static readonly byte[] Manipulated = "MANIPULATED"u8.ToArray();

    /// <param name="outputs">Those wanted, in their order.</param>
    /// <exception cref="InferenceException"/>
    public static IReadOnlyList<OutputTensor> ToTensors(IReadOnlyList<FrameEnd> ends, IReadOnlyList<string> outputs, LoupeOptions options)
    {
        ThrowIfFailed(ends);
        var analyses = ends.OfType<FrameEnd.Analysed>().Select(static end => end.Analysis).ToList();
        CheckMasks(analyses, outputs, options);
        long count = analyses.Count;
        return [.. outputs.Select<string, OutputTensor>(name => name switch
        {
            OutputNames.Score => new FloatTensor(name, [count], [analyses.Select(static analysis => analysis.Score).ToArray()]),
            OutputNames.Verdict => new TextTensor(name, [count], [.. analyses.Select(static analysis => WordOf(analysis.Verdict))]),
            OutputNames.Mask => new TextTensor(name, [count], [.. analyses.Select(static analysis => analysis.Mask?.Data ?? default)]),
            OutputNames.MaskSize => new IntegerTensor(
                name, [count, 2], [.. analyses.SelectMany(static analysis => analysis.Mask is { } mask ? [mask.Height, mask.Width] : new long[] { 0, 0 })]),
            _ => new FloatTensor(name, [count, analyses[0].Height, analyses[0].Width], [.. analyses.Select(static analysis => analysis.SoftMask)]),
        })];
    }

    /// <summary>One picture without a result is enough: tensors have no place for that. What was given up for another's failure is not the reason.</summary>
    private static void ThrowIfFailed(IReadOnlyList<FrameEnd> ends)
    {
        var lost = ends.Select(static (end, number) => (Failure: FailureOf(end), Number: number)).Where(static end => end.Failure is not null)
            .OrderBy(static end => end.Failure!.Kind == FailureKind.Canceled).FirstOrDefault();
        if (lost.Failure is { } failure)
        {
            throw InferenceException.Of(ends.Count == 1 ? failure : failure with { Message = $"{ImageShape.Name}[{lost.Number}]: {failure.Message}" });
        }
    }

    private static FrameFailure? FailureOf(FrameEnd end) => end switch
    {
        FrameEnd.Analysed => null,
        FrameEnd.Failed { Failure: var failure } => failure,
        _ => new FrameFailure(FailureKind.Canceled, "the sequence ended before the picture was analysed: start it anew"),
    };

    private static void CheckMasks(List<FrameAnalysis> analyses, IReadOnlyList<string> outputs, LoupeOptions options)
    {
        var (masks, soft) = (outputs.Contains(OutputNames.Mask) || outputs.Contains(OutputNames.MaskSize), outputs.Contains(OutputNames.SoftMask));
        if (soft && analyses.FirstOrDefault(analysis => (analysis.Width, analysis.Height) != (analyses[0].Width, analyses[0].Height)) is { } other)
        {
            throw InferenceException.Invalid(
                $"{OutputNames.SoftMask} is one tensor of pictures of one size: {analyses[0].Width} x {analyses[0].Height} and {other.Width} x {other.Height} are in the request");
        }

        if (analyses.Any(analysis => (masks && analysis.MaskOmission == MaskOmission.Budget) || (soft && analysis.SoftMask.IsEmpty)))
        {
            throw new InferenceException(CallFailure.TooLarge(
                $"the masks are larger than an answer may be, which is {options.Limits.MaxResponseBytes} bytes: Loupe:Limits:MaxResponseBytes, or send fewer pictures at once"));
        }
    }

    private static ReadOnlyMemory<byte> WordOf(Verdict verdict) => verdict switch
    {
        Verdict.Authentic => Authentic,
        Verdict.Manipulated => Manipulated,
        _ => Uncertain,
    };
}
