using LoupeGrpc.Native;
using Microsoft.Extensions.Logging;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>OpenCV in a process of its own, which is ended where a picture takes more time or memory than its size explains.</summary>
internal sealed class WorkerCodec : IPictureCodec
{
    private const int Megapixel = 1_000_000;

    // A busy machine gives a process a part of its time.
    private const int WallClockFactor = 10;

    // What decoders hold beside the picture: coefficients of a progressive JPEG, the canvas of a WebP, a tile of a TIFF.
    private const long MemoryFloor = 96L << 20;
    private const int MemoryPerPixel = 16;
    private const int HeifMemoryPerPixel = 32;

    // Processor time that honest PNGs do not reach on slow machines: only behind it is looked whether the data end where the rows do.
    private const int PngMilliseconds = 100;
    private const double PngNanosecondsPerPixel = 60;

    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    // A process costs as much to start as an ordinary picture to decode: for a caller who left, that is decoded to its end.
    private const int AbandonAfterMilliseconds = 300;

    // Giving memory back costs as much as a third of decoding into it: not between the pictures of a series.
    private static readonly TimeSpan TrimAfter = TimeSpan.FromSeconds(2);
    private const long LargePicture = 32L << 20;

    private readonly ImagingOptions _options;
    private readonly ILogger _logger;
    private readonly DecoderProcess _process;
    private readonly Lock _using = new();
    private readonly ITimer _trim;
    private bool _isUsed;
    private bool _trimDue;

    public WorkerCodec(DecoderProgram program, ImagingOptions options, ILogger logger, TimeProvider time)
    {
        _options = options;
        _logger = logger;
        _process = new DecoderProcess(program.Path, program.OpenCv);
        _trim = time.CreateTimer(static codec => ((WorkerCodec)codec!).TrimNow(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc cref="DecoderProcess.ProcessId"/>
    public int ProcessId => _process.ProcessId;

    public CodecAnswer Decode(ReadOnlySpan<byte> file, ImageHeader header, ImreadModes mode, IDecodeWatch watch)
    {
        lock (_using)
        {
            _isUsed = true;
        }

        bool deep = mode.HasFlag(ImreadModes.AnyDepth);
        long pixels = header.Width * header.Height;
        long pixelBytes = pixels * 3 * (deep ? sizeof(ushort) : sizeof(byte));
        if (file.Length + pixelBytes > LargePicture)
        {
            _trim.Change(TrimAfter, Timeout.InfiniteTimeSpan);
        }

        var room = _process.Room(file.Length, pixelBytes);
        if (DecodableBytes.Write(file, header, room, out int length) is { } defect)
        {
            return CodecAnswer.Refused(defect);
        }

        watch.InputIsRead();
        var limit = _options.DecodeTime * (1 + ((pixels + Megapixel - 1) / Megapixel));
        bool suspectsPng = header.Kind == ImageKind.Png;
        long start = TimeProvider.System.GetTimestamp();
        _process.Start(length, pixelBytes, FormatOf(header.Kind), (int)mode, new DecodeLimits(MemoryOf(header), limit));
        while (true)
        {
            var answer = _process.Wait(Slice);
            if (answer.State != DecodeState.Running)
            {
                return Conclude(answer, header, limit, suspectsPng ? file : default);
            }

            double elapsed = TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
            if (elapsed >= AbandonAfterMilliseconds && watch.IsAbandoned())
            {
                _process.Stop();
                return CodecAnswer.Failed(new FrameFailure(FailureKind.Canceled, "The picture was abandoned while it was being decoded."));
            }

            if (suspectsPng && answer.ProcessorTime.TotalMilliseconds > PngMilliseconds + (PngNanosecondsPerPixel * pixels / 1e6))
            {
                suspectsPng = false;
                if (!PngInflation.Fits(room[..length]))
                {
                    _process.Stop();
                    return CodecAnswer.Refused(PngInflation.TooMuch);
                }
            }

            if (answer.ProcessorTime > limit || elapsed > limit.TotalMilliseconds * WallClockFactor)
            {
                _process.Stop();
                return TookTooLong(limit, suspectsPng ? file : default);
            }
        }
    }

    public void Trim()
    {
        lock (_using)
        {
            _isUsed = false;
            if (_trimDue)
            {
                _trimDue = false;
                _process.Trim();
            }
        }
    }

    public void Dispose()
    {
        lock (_using)
        {
            _isUsed = true;
        }

        _trim.Dispose();
        _process.Dispose();
    }

    private void TrimNow()
    {
        lock (_using)
        {
            if (_isUsed)
            {
                // A picture of a series: the next one sets the timer again, or this one's end gives the memory back.
                _trimDue = true;
            }
            else
            {
                _process.Trim();
            }
        }
    }

    private static DecodeFormat FormatOf(ImageKind kind) => kind switch
    {
        ImageKind.Heic => DecodeFormat.Heic,
        ImageKind.Avif => DecodeFormat.Avif,
        _ => DecodeFormat.OpenCv,
    };

    private static long MemoryOf(ImageHeader header)
    {
        // Of a TIFF, whole tiles are held, and as many samples as they have.
        long samples = header.Kind == ImageKind.Tiff ? header.CodedSamples : 0;
        int perPixel = header.Kind is ImageKind.Heic or ImageKind.Avif ? HeifMemoryPerPixel : MemoryPerPixel;
        return MemoryFloor + (perPixel * Math.Max(header.Width * header.Height, samples));
    }

    /// <param name="suspect">A PNG that was not looked at yet: on a busy machine its time is over between two looks, and the reason is the same.</param>
    private static CodecAnswer TookTooLong(TimeSpan limit, ReadOnlySpan<byte> suspect) => CodecAnswer.Refused(
        !suspect.IsEmpty && !PngInflation.Fits(suspect)
            ? PngInflation.TooMuch
            : $"it takes longer than the {limit.TotalSeconds:0.##} s allowed for its size (Loupe:Imaging:DecodeTime)");

    /// <param name="type">OpenCV's: the depth in its lower three bits, then channels less one.</param>
    private static int BytesOfPixel(int type)
    {
        const int DepthBits = 3;
        int bytes = (type & ((1 << DepthBits) - 1)) switch { 0 or 1 => 1, 2 or 3 or 7 => 2, 4 or 5 => 4, _ => 8 };
        return bytes * ((type >> DepthBits) + 1);
    }

    private CodecAnswer Conclude(DecodeAnswer answer, ImageHeader header, TimeSpan limit, ReadOnlySpan<byte> suspect)
    {
        const int SignalOfProcessorTime = 24;
        const int SignalOfKill = 9;

        switch (answer.State)
        {
            case DecodeState.Done when answer.Step >= (long)answer.Width * BytesOfPixel(answer.Type):
                var picture = Mat.FromPixelData(answer.Height, answer.Width, answer.Type, answer.Pixels, answer.Step);
                return CodecAnswer.Decoded(picture, answer.Complaint);
            case DecodeState.Unavailable:
                return CodecAnswer.Failed(HeifFiles.Unavailable(header.Kind, answer.Complaint));
            case DecodeState.OutOfMemory:
                return CodecAnswer.Refused("it takes more memory than its size justifies");
            case DecodeState.Died when answer.Signal == SignalOfProcessorTime:
                return TookTooLong(limit, suspect);
            case DecodeState.Died:
                DecoderLog.DecoderDied(_logger, header.Kind.Name(), answer.Signal);
                return CodecAnswer.Refused(
                    answer.Signal == SignalOfKill ? "the decoder was killed while decoding it" : $"it crashed the decoder (signal {answer.Signal})");
            default:
                return CodecAnswer.Refused(CodecAnswer.Damaged);
        }
    }
}
