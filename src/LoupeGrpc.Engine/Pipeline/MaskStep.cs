using System.Numerics.Tensors;
using System.Security.Cryptography;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using OpenCvSharp;

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
            if (job.Part is { } part)
            {
                return Map(job, part);
            }

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
        using var mask = new PixelMemory<byte>(width, height, MatType.CV_8UC1);
        using var soft = job.Tiled?.Soft ?? new PixelMemory<float>(width, height, MatType.CV_32FC1);
        long area = job.Tiled is null ? Decode(job, mask, soft, everywhere: job.Request.SoftMask || ShowsSoft(job)) : Cut(soft.Values, mask.Values);
        job.Evidence = job.Evidence is { } evidence ? evidence with { Mask = Measure(job, mask.Values, area) } : null;
        var regions = area == 0 ? [] : RegionFinder.Find(mask.Values, soft.Values, job.Shape.Width);
        var encoded = Encode(job, mask, soft, area);
        job.Digests = job.Digests is { } digests ? digests with { Mask = Digest(mask, encoded, area) } : null;
        float[] softMask = job.Request.SoftMask && (long)soft.Values.Length * sizeof(float) <= job.Request.MaxMaskBytes ? soft.Values.ToArray() : [];
        job.Timings = job.Timings with { Mask = job.Timings.Mask + clock.Record(job, TimedWork.Mask, start) };
        if (job.NeedsDualVerdict)
        {
            CompareWithBase(job, mask, soft);
        }

        return answers.WithMask(job, new MaskResult(encoded, regions, area, softMask));
    }

    private MaskEvidence Measure(FrameJob job, ReadOnlySpan<byte> mask, long area)
    {
        var fields = MaskCells.Count(mask, job.Shape.Width, columns: 3, rows: 3);
        if (job.Tiled is not null)
        {
            return new MaskEvidence(area, fields, OnSuspectedPatches: null);
        }

        var patches = MaskCells.Count(mask, job.Shape.Width, manifest.Grid, manifest.Grid);
        var logits = job.Batch!.Slot.PatchLogits.Row(job.Row);
        long onSuspected = 0;
        for (int i = 0; i < patches.Length; i++)
        {
            onSuspected += logits[i] > 0 ? patches[i] : 0;
        }

        return new MaskEvidence(area, fields, onSuspected);
    }

    private static MaskDigest Digest(PixelMemory<byte> mask, EncodedMask? encoded, long area)
    {
        var counts = encoded is { Encoding: MaskEncoding.Rle } ? encoded.Data.Span : MaskEncoder.EncodeRuns(mask.Mat);
        return new MaskDigest(SHA256.HashData(counts), area);
    }

    /// <summary>Of a part the soft map alone is wanted.</summary>
    private FrameAnalysis Map(FrameJob job, TilePart part)
    {
        long start = clock.Now;
        var (width, height) = (job.Shape.Width, job.Shape.Height);
        using var mask = new PixelMemory<byte>(width, height, MatType.CV_8UC1);
        part.Soft = new PixelMemory<float>(width, height, MatType.CV_32FC1);
        Decode(job, mask, part.Soft, everywhere: true);
        job.Timings = job.Timings with { Mask = clock.Record(job, TimedWork.Mask, start) };
        return answers.WithoutMask(job);
    }

    /// <summary>Of a soft map that was merged from those of tiles.</summary>
    /// <returns>The number of forged pixels.</returns>
    private long Cut(ReadOnlySpan<float> soft, Span<byte> mask)
    {
        float threshold = manifest.MaskDecode.Threshold;
        long area = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            byte forged = soft[i] > threshold ? (byte)1 : (byte)0;
            mask[i] = forged;
            area += forged;
        }

        return area;
    }

    private static bool ShowsSoft(FrameJob job) => job.Request.MaskEncoding == MaskEncoding.SoftPng;

    private long Decode(FrameJob job, PixelMemory<byte> mask, PixelMemory<float> soft, bool everywhere)
    {
        var slot = job.Batch!.Slot;
        return Decode(job, slot.MaskLogits, slot.ClassLogits, mask, soft, everywhere);
    }

    /// <param name="soft">Is overwritten.</param>
    private void CompareWithBase(FrameJob job, PixelMemory<byte> mask, PixelMemory<float> soft)
    {
        long start = clock.Now;
        using var baseMask = new PixelMemory<byte>(job.Shape.Width, job.Shape.Height, MatType.CV_8UC1);
        var run = job.Batch!.Slot.Adaptation;
        long area = Decode(job, run.BaseMaskLogits, run.BaseClassLogits, baseMask, soft, everywhere: ShowsSoft(job));
        job.BaseMask = Encode(job, baseMask, soft, area);
        job.Evidence = job.Evidence is { } evidence ? evidence with { BaseMaskArea = area } : null;
        job.MaskDisagreement = (float)TensorPrimitives.HammingDistance<byte>(mask.Values, baseMask.Values) / mask.Values.Length;
        job.Timings = job.Timings with { Dual = job.Timings.Dual + clock.Since(start) };
        clock.Record(job, TimedWork.Dual, job.Timings.Dual);
    }

    /// <param name="everywhere">Whether the soft map is wanted beyond the mask, whose regions have their means from it.</param>
    private long Decode(FrameJob job, TensorBuffer maskLogits, TensorBuffer classLogits, PixelMemory<byte> mask, PixelMemory<float> soft, bool everywhere)
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
            mask.Values,
            soft.Values,
            softWithinMask: !everywhere);
    }

    private static EncodedMask? Encode(FrameJob job, PixelMemory<byte> mask, PixelMemory<float> soft, long area)
    {
        var (width, height, encoding) = (job.Shape.Width, job.Shape.Height, job.Request.MaskEncoding);
        byte[]? encoded = MaskEncoder.Encode(encoding, mask.Mat, soft.Mat, job.Request.MaxMaskBytes);
        return encoded is null ? null : new EncodedMask(encoding, encoded, width, height, area);
    }
}
