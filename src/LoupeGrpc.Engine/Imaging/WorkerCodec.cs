using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Native;
using Microsoft.Extensions.Logging;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>OpenCV in a process of its own, which is ended where a picture takes more time or memory than its size explains.</summary>
internal sealed class WorkerCodec(DecoderProgram program, ImagingOptions options, ILogger logger) : IPictureCodec
{
    private const int Megapixel = 1_000_000;

    // A busy machine gives a process a part of its time.
    private const int WallClockFactor = 10;

    // What decoders hold beside the picture: coefficients of a progressive JPEG, the canvas of a WebP, a tile of a TIFF.
    private const long MemoryFloor = 96L << 20;
    private const int MemoryPerPixel = 16;

    // Short enough for a server that is to end, long enough that an ordinary picture is never interrupted for a caller who left.
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    private readonly DecoderProcess _process = new(program.Path, program.OpenCv);

    public CodecAnswer Decode(ReadOnlySpan<byte> file, ImageHeader header, ImreadModes mode, IDecodeWatch watch)
    {
        bool deep = mode.HasFlag(ImreadModes.AnyDepth);
        long pixels = header.Width * header.Height;
        long pixelBytes = pixels * 3 * (deep ? sizeof(ushort) : sizeof(byte));
        var room = _process.Room(file.Length, pixelBytes);
        if (DecodableBytes.Write(file, header, room, out int length) is { } defect)
        {
            return CodecAnswer.Refused(defect);
        }

        watch.InputIsRead();
        var limit = options.DecodeTime * (1 + ((pixels + Megapixel - 1) / Megapixel));
        long start = Environment.TickCount64;
        _process.Start(length, pixelBytes, (int)mode, new DecodeLimits(MemoryOf(header), limit));
        while (true)
        {
            var answer = _process.Wait(Slice);
            if (answer.State != DecodeState.Running)
            {
                return Conclude(answer, header, limit);
            }

            if (watch.IsGivenUp())
            {
                _process.Stop();
                return CodecAnswer.Failed(new FrameFailure(FailureKind.Canceled, "Nobody wanted the picture any more while it was decoded."));
            }

            if (answer.ProcessorTime > limit || Environment.TickCount64 - start > limit.TotalMilliseconds * WallClockFactor)
            {
                _process.Stop();
                return TookTooLong(limit);
            }
        }
    }

    public void Trim() => _process.Trim();

    public void Dispose() => _process.Dispose();

    private static long MemoryOf(ImageHeader header)
    {
        // Of a TIFF, whole tiles are held, and as many samples as they have.
        long samples = header.Kind == ImageKind.Tiff ? header.CodedSamples : 0;
        return MemoryFloor + (MemoryPerPixel * Math.Max(header.Width * header.Height, samples));
    }

    private static CodecAnswer TookTooLong(TimeSpan limit) =>
        CodecAnswer.Refused($"its data keep a decoder busy for longer than the {limit.TotalSeconds:0.##} s that its size allows (Loupe:Imaging:DecodeTime)");

    /// <param name="type">OpenCV's: the depth in its lower three bits, then channels less one.</param>
    private static int BytesOfPixel(int type)
    {
        const int DepthBits = 3;
        int bytes = (type & ((1 << DepthBits) - 1)) switch { 0 or 1 => 1, 2 or 3 or 7 => 2, 4 or 5 => 4, _ => 8 };
        return bytes * ((type >> DepthBits) + 1);
    }

    private CodecAnswer Conclude(DecodeAnswer answer, ImageHeader header, TimeSpan limit)
    {
        const int SignalOfProcessorTime = 24;
        const int SignalOfKill = 9;

        switch (answer.State)
        {
            case DecodeState.Done when answer.Step >= (long)answer.Width * BytesOfPixel(answer.Type):
                var picture = Mat.FromPixelData(answer.Height, answer.Width, answer.Type, answer.Pixels, answer.Step);
                return CodecAnswer.Decoded(picture, answer.Complaint);
            case DecodeState.OutOfMemory:
                return CodecAnswer.Refused("decoding its data takes more memory than its size explains");
            case DecodeState.Died when answer.Signal == SignalOfProcessorTime:
                return TookTooLong(limit);
            case DecodeState.Died:
                EngineLog.DecoderDied(logger, header.Kind.Name(), answer.Signal);
                return CodecAnswer.Refused(
                    answer.Signal == SignalOfKill ? "the decoder was ended while it was at it" : $"the decoder crashed on it (signal {answer.Signal})");
            default:
                return CodecAnswer.Refused(CodecAnswer.Damaged);
        }
    }
}
