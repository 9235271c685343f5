using System.Globalization;
using System.Runtime.CompilerServices;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>A video file, frame by frame.</summary>
internal sealed class VideoFileSource(OpenCvCapture capture, string path, SamplingOptions sampling) : FrameSource
{
    /// <summary>Containers give whole milliseconds: within this the constant frame rate is the better clock.</summary>
    private const double ClockTolerance = 0.0015;

    public override string Label => path;

    public override bool HasClock => true;

    public override long? Count => sampling.CountOf(capture.FrameCount, capture.FramesPerSecond);

    public override async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var owned = capture;
        var sampler = new FrameSampler(sampling.PerSecond);
        var started = sampling.Time.GetUtcNow();
        var stem = Path.GetFileNameWithoutExtension(path);
        long taken = 0;
        for (long index = 0; taken < sampling.MaxFrames && await capture.GrabAsync(cancellationToken); index++)
        {
            var seconds = TimeOf(index);
            if (!sampler.Takes(seconds))
            {
                continue;
            }

            taken++;
            var name = string.Create(CultureInfo.InvariantCulture, $"{stem}-{index:000000}");
            if (await capture.RetrieveAsync(cancellationToken) is { } pixels)
            {
                yield return new PixelItem
                {
                    Path = path,
                    Name = name,
                    TimeSeconds = seconds,
                    CaptureTime = started.AddSeconds(seconds),
                    Pixels = pixels,
                    Width = capture.Width,
                    Height = capture.Height,
                };
            }
            else
            {
                yield return new UnreadableItem
                {
                    Path = path,
                    Name = name,
                    TimeSeconds = seconds,
                    Code = LoupeFailureCode.Unreadable,
                    Message = string.Create(CultureInfo.InvariantCulture, $"frame {index} of the video cannot be decoded"),
                };
            }
        }
    }

    private double TimeOf(long index)
    {
        var container = Math.Max(0, capture.PositionMs / 1000);
        if (capture.FramesPerSecond is not { } fps)
        {
            return container;
        }

        var constant = index / fps;
        return container == 0 || Math.Abs(container - constant) < ClockTolerance ? constant : container;
    }
}
