using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>From the bytes received to the model's input in a buffer of the engine. After it the caller's bytes are not needed any more.</summary>
/// <param name="decoder">Owned.</param>
/// <param name="provenance">What files say of where they come from.</param>
/// <param name="refuse">Whether the frame is still wanted: null, or what it is answered.</param>
internal sealed class DecodeStep(ModelManifest manifest, PixelPool pixels, StageClock clock, FrameDecoder decoder, ProvenanceFacts provenance, Func<FrameJob, AnalysisOutcome?> refuse)
    : IFrameStep, IDisposable
{
    private const int BgrBytes = 3;

    // Red, green and blue in luma, ITU-R BT.601.
    private static readonly float[] LumaWeights = [0.299f, 0.587f, 0.114f];

    private readonly Preprocessor _preprocessor = new(manifest.ImageSize, [.. manifest.Mean], [.. manifest.Std]);
    private TensorBuffer? _free;
    private byte[]? _tile;

    /// <summary>A buffer for the pixels of the next frame.</summary>
    public bool TryPrepare() => (_free ??= pixels.TryRent()) is not null;

    public AnalysisOutcome? Process(FrameJob job)
    {
        if (job.Plan is null)
        {
            (job.Pixels, _free) = (_free, null);
        }

        if (job.Part is { } part)
        {
            Cut(job, part);
            return null;
        }

        if (!job.TryBeginReading())
        {
#pragma warning disable RS0030 // It is there: nobody waits.
            return job.Answer.Result;
#pragma warning restore RS0030
        }

        try
        {
            return Read(job);
        }
        finally
        {
            job.EndReading();
        }
    }

    public void Dispose()
    {
        _preprocessor.Dispose();
        decoder.Dispose();
    }

    /// <summary>A part of a picture that was decoded before.</summary>
    private void Cut(FrameJob job, TilePart part)
    {
        long start = clock.Now;
        if (part.Start is { } corner)
        {
            int side = manifest.ImageSize;
            _tile ??= new byte[side * side * BgrBytes];
            TileCut.Copy(part.Picture.Pixels, part.Picture.Width, part.Picture.Height, part.Picture.Stride, corner, side, _tile);
            _preprocessor.ToNchw(new PixelSource(PixelFormat.Bgr24, side, side, _tile, side * BgrBytes), job.Pixels!.Values);
        }
        else
        {
            _preprocessor.ToNchw(part.Picture.Source, job.Pixels!.Values);
        }

        Weigh(job);
        job.Timings = job.Timings with { Preprocess = clock.Record(job, TimedWork.Preprocess, start) };
    }

    private AnalysisOutcome? Read(FrameJob job)
    {
        long start = clock.Now;
        var data = job.Input.Data.Span;
        job.Sha256 = SHA256.HashData(data);
        job.Evidence = job.Request.Evidence ? EvidenceOf(job.Shape.Header) : null;
        if (job.Input is RawInput raw)
        {
            job.Digests = job.Request.Digests ? new FrameDigests { Format = $"raw {raw.Layout.Format.ToString().ToUpperInvariant()}" } : null;
            var pixels = RawPlanes.Describe(raw.Layout, data);
            if (job.Plan is null)
            {
                Preprocess(job, pixels, start);
            }
            else
            {
                Hold(job, RawColors.ToBgr(pixels), start);
            }

            if (raw.Layout.Format == PixelFormat.Bgra32)
            {
                ImageNotes.AddAlphaNote(job.Notes);
            }
        }
        else
        {
            var header = job.Shape.Header!.Value;
            job.Provenance = provenance.Read(header, job.Input.Data);
            if (Decode(job, header, data, start, out string? damage) is { } failure)
            {
                return refuse(job) ?? failure;
            }

            ImageNotes.AddFileNotes(job.Notes, header);
            if (damage is not null)
            {
                job.VerdictIsOpen = decoder.DamageOpensVerdict;
                ImageNotes.AddDamageNote(job.Notes, header, damage, job.VerdictIsOpen);
            }
        }

        if (job.Plan is null)
        {
            ImageNotes.AddScaleNote(job.Notes, job.Shape.Width, job.Shape.Height, manifest.ImageSize);
        }

        return null;
    }

    private static FrameDigests DigestsOf(ImageHeader header, Mat picture)
    {
        using var pixels = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int rows = picture.Rows;
        for (int row = 0; row < rows; row++)
        {
            pixels.AppendData(MemoryMarshal.AsBytes(picture.RowSpan<Vec3b>(row)));
        }

        return new FrameDigests { Format = header.Kind.Name(), Decoder = header.Kind.DecoderName(), Pixels = pixels.GetHashAndReset() };
    }

    /// <summary>Rows without what may lie between them.</summary>
    private static byte[] CopyOf(Mat picture)
    {
        int stride = picture.Cols * BgrBytes;
        int rows = picture.Rows;
        if ((long)rows * stride > Array.MaxLength)
        {
            return [];
        }

        byte[] copy = GC.AllocateUninitializedArray<byte>(rows * stride);
        for (int row = 0; row < rows; row++)
        {
            MemoryMarshal.AsBytes(picture.RowSpan<Vec3b>(row)).CopyTo(copy.AsSpan(row * stride, stride));
        }

        return copy;
    }

    private FrameEvidence EvidenceOf(ImageHeader? header)
    {
        var evidence = new FrameEvidence { InputSide = manifest.ImageSize, MaskThreshold = manifest.MaskDecode.Threshold };
        return header is { } file ? evidence with { Pictures = file.Frames, BitDepth = file.BitDepth, JpegQuality = file.JpegQuality } : evidence;
    }

    /// <summary>Measures how bright the model's input is.</summary>
    private void Weigh(FrameJob job)
    {
        if (!job.Request.Evidence)
        {
            return;
        }

        ReadOnlySpan<float> pixels = job.Pixels!.Values;
        int plane = pixels.Length / LumaWeights.Length;
        float luma = 0;
        for (int channel = 0; channel < LumaWeights.Length; channel++)
        {
            float mean = TensorPrimitives.Sum(pixels.Slice(channel * plane, plane)) / plane;
            luma += LumaWeights[channel] * ((mean * manifest.Std[channel]) + manifest.Mean[channel]);
        }

        job.Evidence = (job.Evidence ?? EvidenceOf(null)) with { Brightness = Math.Clamp(luma, 0, 1) };
    }

    private FrameFailure? Decode(FrameJob job, ImageHeader header, ReadOnlySpan<byte> data, long start, out string? damage)
    {
        try
        {
            var failure = decoder.Decode(data, header, new Watch(job, refuse), out var picture, out damage);
            if (failure is not null)
            {
                return failure;
            }

            job.Digests = job.Request.Digests ? DigestsOf(header, picture!) : null;
            job.Picture = job.Request.Picture ? CopyOf(picture!) : [];
            if (job.Plan is not null)
            {
                // The decoder's own memory is for the next picture.
                using (picture)
                {
                    Hold(job, picture!.Clone(), start);
                }

                return null;
            }

            using var decoded = new HeldPicture(picture!);
            Preprocess(job, decoded.Source, start);
            return null;
        }
        finally
        {
            decoder.Trim();
        }
    }

    /// <param name="picture">Is the frame's from now on.</param>
    private void Hold(FrameJob job, Mat picture, long decodeStart)
    {
        var held = new HeldPicture(picture);
        job.Tiled = new TiledPicture(held);
        job.ColorLayout = job.Request.ColorLayout ? ColorLayout.OfPicture(held.Pixels, held.Width, held.Height, held.Stride) : [];
        job.Timings = job.Timings with { Decode = clock.Record(job, TimedWork.Decode, decodeStart) };
    }

    private sealed class Watch(FrameJob job, Func<FrameJob, AnalysisOutcome?> refuse) : IDecodeWatch
    {
        public void InputIsRead() => job.EndReading();

        public bool IsAbandoned() => refuse(job) is not null;
    }

    private void Preprocess(FrameJob job, in PixelSource source, long decodeStart)
    {
        var decode = clock.Record(job, TimedWork.Decode, decodeStart);
        long start = clock.Now;
        _preprocessor.ToNchw(source, job.Pixels!.Values);
        Weigh(job);
        job.ColorLayout = job.Request.ColorLayout ? ColorLayout.OfInput(job.Pixels.Values, manifest.ImageSize, manifest.Mean, manifest.Std) : [];
        job.Timings = job.Timings with { Decode = decode, Preprocess = clock.Record(job, TimedWork.Preprocess, start) };
    }
}
