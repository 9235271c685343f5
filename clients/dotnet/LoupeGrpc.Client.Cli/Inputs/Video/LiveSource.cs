using System.Globalization;
using System.Runtime.CompilerServices;
using Polly;
using Polly.Retry;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>
/// A camera or network stream: no end, times count from the first frame. A network stream that breaks is opened again; a camera that is unplugged is over.
/// </summary>
internal sealed class LiveSource : FrameSource
{
    private readonly VideoInput _input;
    private readonly Func<VideoReader> _start;
    private readonly SamplingOptions _sampling;
    private readonly Action<string> _notify;
    private VideoReader? _reader;

    /// <param name="reader">Open; owned from now on.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="start">Starts another reader of the same.</param>
    /// <param name="sampling">Which frames are taken.</param>
    /// <param name="notify">Tells people that the stream broke or came back.</param>
    public LiveSource(VideoReader reader, VideoInput input, Func<VideoReader> start, SamplingOptions sampling, Action<string> notify)
    {
        _reader = reader;
        _input = input;
        _start = start;
        _sampling = sampling;
        _notify = notify;
    }

    public override string Label => _input.Label;

    public override bool HasClock => true;

    public override long? Count => _sampling.CountOf(null, null);

    /// <summary>Opening a network stream again, with growing pauses of 1 to 30 s.</summary>
    /// <param name="retries">How often.</param>
    /// <param name="time">The clock of the pauses.</param>
    /// <param name="failed">Whether an attempt failed and another one is worth it.</param>
    public static ResiliencePipeline<T> Reopening<T>(int retries, TimeProvider time, Func<T, bool> failed) =>
        new ResiliencePipelineBuilder<T> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<T>
            {
                ShouldHandle = new PredicateBuilder<T>().HandleResult(failed),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromSeconds(1),
                MaxDelay = TimeSpan.FromSeconds(30),
                MaxRetryAttempts = retries,
            })
            .Build();

    public override async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var clock = new LiveClock(_sampling.Time);
        var report = new LossReport(Label, _notify, _sampling.Time);
        var sampler = new FrameSampler(_sampling.PerSecond);
        var all = new FrameSampler(null);
        var name = _input.Host ?? Label;
        long earlier = 0;
        long next = 0;
        long taken = 0;
        while (taken < _sampling.MaxFrames && _reader is not null)
        {
            if (await _reader.ReadAsync(cancellationToken) is not { } frame)
            {
                report.Flush(isEnd: true);
                if (!_input.CanReopen)
                {
                    var failure = _reader.Failure ?? "it was unplugged, or another program took it";
                    _notify($"{Label} stopped sending frames");
                    yield return UnreadableItem.Create(Label, LoupeFailureCode.Unreadable, $"it stopped sending frames: {failure}");
                    yield break;
                }

                await ReopenAsync(_reader, cancellationToken);
                clock.Restart();
                (earlier, sampler) = (next, new FrameSampler(_sampling.PerSecond));
                continue;
            }

            var entry = frame.Entry;
            var seconds = clock.Advance(entry.Seconds);
            next = earlier + entry.Number + 1;
            foreach (var loss in frame.LostBefore)
            {
                // Between this frame and the one before, whose times are not these.
                var here = loss with { FirstNumber = earlier + loss.FirstNumber, From = seconds, Step = 0 };
                report.Add(here);
                foreach (var lost in LostFrame.Of(Label, here, all))
                {
                    taken++;
                    yield return lost;
                }
            }

            // The reader's own times: ffmpeg chose by them.
            if (!sampler.Takes(entry.FfmpegSeconds))
            {
                continue;
            }

            taken++;
            if (entry.Damage is { } damage)
            {
                report.Add(entry with { Number = next - 1, Seconds = seconds });
                yield return LostFrame.Of(Label, next - 1, seconds, damage);
            }
            else
            {
                report.Flush();
                yield return PixelItem.Of(
                    frame, Label, string.Create(CultureInfo.InvariantCulture, $"{name}-{next - 1:000000}"), seconds, clock.Started.AddSeconds(seconds));
            }
        }

        report.Flush(isEnd: true);
    }

    public override ValueTask DisposeAsync() => _reader?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task ReopenAsync(VideoReader broken, CancellationToken cancellationToken)
    {
        _reader = null;
        await broken.DisposeAsync();
        _notify($"{Label} broke{(broken.Failure is { } failure ? $" ({failure})" : "")}; reconnecting");
        _reader = await Reopening<VideoReader>(int.MaxValue, _sampling.Time, opened => opened.Failure is not null)
            .ExecuteAsync(async token => await VideoReader.OpenAsync(_start, token), cancellationToken);
        _notify($"{Label} is back");
    }
}
