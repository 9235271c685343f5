using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>Raw frames from standard input, sent as they are. A thread reads them, which nobody can interrupt and nobody has to wait for.</summary>
/// <param name="input">Owned from now on.</param>
/// <param name="layout">What it carries.</param>
/// <param name="keepFrames">Each frame gets pixels of its own.</param>
/// <param name="timeout">Longer without a frame is a failure.</param>
/// <param name="sampling">Which frames are taken.</param>
/// <param name="notify">Tells people what was lost.</param>
internal sealed class RawSource(Stream input, RawLayout layout, bool keepFrames, TimeSpan timeout, SamplingOptions sampling, Action<string> notify) : FrameSource
{
    public override string Label => "-";

    public override bool HasClock => true;

    public override long? Count => sampling.CountOf(null, layout.FramesPerSecond);

    public override async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stopped = new CancellationTokenSource();
        var buffers = new FrameBuffers(keepFrames);
        var frames = Channel.CreateBounded<byte[]>(1);
        new Thread(() => Read(frames.Writer, buffers, stopped.Token)) { IsBackground = true, Name = "standard input" }.Start();
        var sampler = new FrameSampler(sampling.PerSecond);
        var started = sampling.Time.GetUtcNow();
        long? first = null;
        long taken = 0;
        try
        {
            for (long number = 0; taken < sampling.MaxFrames; number++)
            {
                string? failure = null;
                byte[]? buffer = null;
                try
                {
                    var isThere = await frames.Reader.WaitToReadAsync(cancellationToken).AsTask().WaitAsync(timeout, sampling.Time, cancellationToken);
                    buffer = isThere && frames.Reader.TryRead(out var next) ? next : null;
                    // Who should have written it failed, most likely, and a run that saw nothing must not look like one that found nothing.
                    failure = buffer is null && number == 0 ? "did not come: standard input ended before it" : null;
                }
                catch (TimeoutException)
                {
                    failure = string.Create(CultureInfo.InvariantCulture, $"did not come within {timeout.TotalSeconds:0.#} s (--read-timeout)");
                }
                catch (Exception error) when (error is IOException or InvalidDataException)
                {
                    failure = error.Message;
                }

                first ??= sampling.Time.GetTimestamp();
                var seconds = layout.FramesPerSecond is { } fps ? number / fps : Math.Round(sampling.Time.GetElapsedTime(first.Value).TotalSeconds, 6);
                if (failure is not null)
                {
                    notify(string.Create(CultureInfo.InvariantCulture, $"warning: {Label}: frame {number} {failure}"));
                    yield return LostFrame.Of(Label, number, seconds, failure);
                    yield break;
                }

                if (buffer is null)
                {
                    yield break;
                }

                if (sampler.Takes(seconds))
                {
                    taken++;
                    yield return new PixelItem
                    {
                        Path = Label,
                        Name = string.Create(CultureInfo.InvariantCulture, $"stdin-{number:000000}"),
                        TimeSeconds = seconds,
                        CaptureTime = started.AddSeconds(seconds),
                        Pixels = buffer,
                        Format = layout.Format,
                    };
                }

                buffers.Return(buffer);
            }
        }
        finally
        {
            await stopped.CancelAsync();
        }
    }

    public override ValueTask DisposeAsync() => input.DisposeAsync();

    private void Read(ChannelWriter<byte[]> frames, FrameBuffers buffers, CancellationToken stopped)
    {
        try
        {
            while (true)
            {
                var buffer = buffers.Rent(layout.Bytes);
                var read = input.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
                if (read < buffer.Length)
                {
                    frames.TryComplete(read == 0 ? null : new InvalidDataException($"is cut off: standard input ended after {read} of its {buffer.Length} bytes"));
                    return;
                }

#pragma warning disable RS0030 // A thread of its own, which has nothing else to do.
                frames.WriteAsync(buffer, stopped).AsTask().GetAwaiter().GetResult();
#pragma warning restore RS0030
            }
        }
        catch (Exception error)
        {
            frames.TryComplete(error is OperationCanceledException ? null : error);
        }
    }
}
