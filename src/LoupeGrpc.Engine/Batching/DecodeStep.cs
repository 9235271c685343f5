using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Batching;

/// <summary>From the bytes received to the model's input in a buffer of the engine. After it the caller's bytes are not needed any more.</summary>
internal sealed class DecodeStep(ModelManifest manifest, PixelPool pixels, StageClock clock) : IFrameStep, IDisposable
{
    private readonly Preprocessor _preprocessor = new(manifest.ImageSize, [.. manifest.Mean], [.. manifest.Std]);

    public AnalysisOutcome? Process(FrameJob job)
    {
        // Before the caller's bytes are touched: a caller that gives up while its frame waits for a buffer is answered at once.
        long wait = clock.Now;
        job.Pixels = pixels.Rent();
        job.Timings = job.Timings with { Queue = job.Timings.Queue + clock.Since(wait) };
        if (!job.BeginReadingInput())
        {
            return job.Answer.Result;
        }

        try
        {
            return Read(job);
        }
        finally
        {
            job.EndReadingInput();
        }
    }

    public void Dispose() => _preprocessor.Dispose();

    private AnalysisOutcome? Read(FrameJob job)
    {
        long start = clock.Now;
        var data = job.Input.Data.Span;
        job.Sha256 = SHA256.HashData(data);
        if (job.Input is RawInput raw)
        {
            Preprocess(job, RawPlanes.Describe(raw.Layout, data), start);
            if (raw.Layout.Format == PixelFormat.Bgra32)
            {
                ImageNotes.AddAlphaNote(job.Notes);
            }
        }
        else
        {
            var header = job.Shape.Header!.Value;
            var failure = FrameDecoder.Decode(data, header, out var picture);
            if (failure is not null)
            {
                return failure;
            }

            using (picture)
            {
                var bgr = MemoryMarshal.AsBytes(picture!.AsSpan<Vec3b>());
                Preprocess(job, new PixelSource(PixelFormat.Bgr24, picture.Width, picture.Height, bgr, (int)picture.Step()), start);
            }

            ImageNotes.AddFileNotes(job.Notes, header);
        }

        ImageNotes.AddScaleNote(job.Notes, job.Shape.Width, job.Shape.Height, manifest.ImageSize);
        return null;
    }

    private void Preprocess(FrameJob job, in PixelSource source, long decodeStart)
    {
        var decode = clock.Record(Stage.Decode, decodeStart);
        long start = clock.Now;
        _preprocessor.ToNchw(source, job.Pixels!.Values);
        job.Timings = job.Timings with { Decode = decode, Preprocess = clock.Record(Stage.Preprocess, start) };
    }
}
