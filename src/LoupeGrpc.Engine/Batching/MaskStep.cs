using System.Buffers;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Batching;

/// <summary>From logits to the mask at the picture's size, its parts and its encoding.</summary>
internal sealed class MaskStep(ModelManifest manifest, AnswerWriter answers, StageClock clock) : IFrameStep, IDisposable
{
    private readonly MaskDecoder _decoder = new(manifest.MaskDecode.Size);

    public AnalysisOutcome? Process(FrameJob job)
    {
        long start = clock.Now;
        MaskResult mask;
        try
        {
            mask = Decode(job);
        }
        catch (NativeException exception) when (exception.Status == NativeStatus.NotFinite)
        {
            return new FrameFailure(FailureKind.ModelFault, "The model answered mask logits that are not finite.");
        }

        job.Timings = job.Timings with { Mask = clock.Record(Stage.Mask, start) };
        return answers.WithMask(job, mask);
    }

    public void Dispose() => _decoder.Dispose();

    private MaskResult Decode(FrameJob job)
    {
        var (width, height) = (job.Shape.Width, job.Shape.Height);
        int pixels = checked(width * height);
        byte[] mask = ArrayPool<byte>.Shared.Rent(pixels);
        float[] soft = ArrayPool<float>.Shared.Rent(pixels);
        try
        {
            var slot = job.Slot!;
            var softMap = soft.AsSpan(0, pixels);
            long area = _decoder.Decode(
                slot.MaskLogits.Values,
                slot.ClassLogits.Values,
                manifest.Queries,
                manifest.MaskGrid,
                manifest.MaskGrid,
                width,
                height,
                manifest.MaskDecode.Threshold,
                mask.AsSpan(0, pixels),
                softMap);
            var regions = area == 0 ? [] : RegionFinder.Find(mask, softMap, width, height);
            byte[]? encoded = MaskEncoder.Encode(job.Request.MaskEncoding, mask, soft, width, height, job.Request.MaxMaskBytes);
            return new MaskResult(
                encoded is null ? null : new EncodedMask(job.Request.MaskEncoding, encoded, width, height, area), regions, area);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(mask);
            ArrayPool<float>.Shared.Return(soft);
        }
    }
}
