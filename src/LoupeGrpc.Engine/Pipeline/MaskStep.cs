using System.Buffers;
using System.Numerics.Tensors;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>From logits to the mask at the picture's size, its parts and its encoding.</summary>
internal sealed class MaskStep(ModelManifest manifest, AnswerWriter answers, StageClock clock) : IFrameStep, IDisposable
{
    private readonly MaskDecoder _decoder = new(manifest.MaskDecode.Size);

    public AnalysisOutcome? Process(FrameJob job)
    {
        FrameAnalysis analysis;
        try
        {
            analysis = job.NeedsMask ? Answer(job) : answers.WithoutMask(job);
        }
        catch (NativeException exception) when (exception.Status == NativeStatus.NotFinite)
        {
            return new FrameFailure(FailureKind.ModelFault, "The model's mask logits are not finite.");
        }

        if (job.Turn is null)
        {
            return analysis;
        }

        job.Analysis = analysis;
        return null;
    }

    public void Dispose() => _decoder.Dispose();

    private FrameAnalysis Answer(FrameJob job)
    {
        long start = clock.Now;
        var (width, height) = (job.Shape.Width, job.Shape.Height);
        int pixels = checked(width * height);
        byte[] mask = ArrayPool<byte>.Shared.Rent(pixels);
        float[] soft = ArrayPool<float>.Shared.Rent(pixels);
        try
        {
            var slot = job.Batch!.Slot;
            long area = Decode(job, slot.MaskLogits, slot.ClassLogits, mask, soft);
            var regions = area == 0 ? [] : RegionFinder.Find(mask, soft.AsSpan(0, pixels), width, height);
            var encoded = Encode(job, mask, soft, area);
            job.Timings = job.Timings with { Mask = clock.Record(TimedWork.Mask, start) };
            if (job.NeedsDualVerdict)
            {
                CompareWithBase(job, mask, soft);
            }

            return answers.WithMask(job, new MaskResult(encoded, regions, area));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(mask);
            ArrayPool<float>.Shared.Return(soft);
        }
    }

    /// <param name="soft">Is overwritten.</param>
    private void CompareWithBase(FrameJob job, byte[] mask, float[] soft)
    {
        long start = clock.Now;
        int pixels = job.Shape.Width * job.Shape.Height;
        byte[] baseMask = ArrayPool<byte>.Shared.Rent(pixels);
        try
        {
            var run = job.Batch!.Slot.Adaptation;
            long area = Decode(job, run.BaseMaskLogits, run.BaseClassLogits, baseMask, soft);
            job.BaseMask = Encode(job, baseMask, soft, area);
            job.MaskDisagreement = (float)TensorPrimitives.HammingDistance<byte>(mask.AsSpan(0, pixels), baseMask.AsSpan(0, pixels)) / pixels;
            job.Timings = job.Timings with { Dual = job.Timings.Dual + clock.Since(start) };
            clock.Record(TimedWork.Dual, job.Timings.Dual);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(baseMask);
        }
    }

    private long Decode(FrameJob job, TensorBuffer maskLogits, TensorBuffer classLogits, byte[] mask, float[] soft)
    {
        var (width, height) = (job.Shape.Width, job.Shape.Height);
        return _decoder.Decode(
            maskLogits.Row(job.Row),
            classLogits.Row(job.Row),
            manifest.Queries,
            manifest.MaskGrid,
            manifest.MaskGrid,
            width,
            height,
            manifest.MaskDecode.Threshold,
            mask.AsSpan(0, width * height),
            soft.AsSpan(0, width * height));
    }

    private static EncodedMask? Encode(FrameJob job, byte[] mask, float[] soft, long area)
    {
        var (width, height, encoding) = (job.Shape.Width, job.Shape.Height, job.Request.MaskEncoding);
        byte[]? encoded = MaskEncoder.Encode(encoding, mask, soft, width, height, job.Request.MaxMaskBytes);
        return encoded is null ? null : new EncodedMask(encoding, encoded, width, height, area);
    }
}
