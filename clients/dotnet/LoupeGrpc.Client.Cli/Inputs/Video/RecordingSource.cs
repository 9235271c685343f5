using System.Globalization;
using System.Runtime.CompilerServices;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>A video with an end, frame by frame. Frames that it should have and does not give take their places as failures.</summary>
/// <param name="reader">Open; owned from now on.</param>
/// <param name="promise">What the container says of itself.</param>
/// <param name="label">For people and results, without credentials.</param>
/// <param name="name">What files made from its frames are named after.</param>
/// <param name="sampling">Which frames are taken.</param>
/// <param name="notify">Tells people which frames were lost.</param>
internal sealed class RecordingSource(VideoReader reader, VideoPromise promise, string label, string name, SamplingOptions sampling, Action<string> notify) : FrameSource
{
    public override string Label => label;

    public override bool HasClock => true;

    public override long? Count => sampling.CountOf(
        promise.Frames ?? (long?)((promise.End ?? reader.Duration) * promise.FramesPerSecond), promise.FramesPerSecond);

    public override async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var owned = reader;
        var sampler = new FrameSampler(sampling.PerSecond);
        var report = new LossReport(label, notify, sampling.Time);
        var started = sampling.Time.GetUtcNow();
        long taken = 0;
        while (taken < sampling.MaxFrames && await reader.ReadAsync(cancellationToken) is { } frame)
        {
            foreach (var lost in frame.LostBefore.SelectMany(loss => Lost(loss, sampler, report)).Take((int)Math.Min(sampling.MaxFrames - taken, int.MaxValue)))
            {
                taken++;
                yield return lost;
            }

            var entry = frame.Entry;
            if (taken < sampling.MaxFrames && sampler.Takes(entry.Seconds))
            {
                taken++;
                yield return Item(frame, started, report);
            }
        }

        if (taken < sampling.MaxFrames && reader.LostAtEnd is { } rest)
        {
            foreach (var lost in Lost(rest, sampler, report).Take((int)Math.Min(sampling.MaxFrames - taken, int.MaxValue)))
            {
                yield return lost;
            }
        }

        report.Flush(isEnd: true);
    }

    public override ValueTask DisposeAsync() => reader.DisposeAsync();

    private SourceItem Item(VideoFrame frame, DateTimeOffset started, LossReport report)
    {
        var entry = frame.Entry;
        if (entry.Damage is { } damage)
        {
            report.Add(entry);
            return LostFrame.Of(label, entry.Number, entry.Seconds, damage);
        }

        report.Flush();
        return PixelItem.Of(frame, label, string.Create(CultureInfo.InvariantCulture, $"{name}-{entry.Number:000000}"), entry.Seconds, started.AddSeconds(entry.Seconds));
    }

    private IEnumerable<LostFrame> Lost(Loss loss, FrameSampler sampler, LossReport report)
    {
        report.Add(loss);
        return LostFrame.Of(label, loss, sampler);
    }
}
