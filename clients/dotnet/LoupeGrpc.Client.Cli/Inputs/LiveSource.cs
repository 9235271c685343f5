using System.Globalization;
using System.Runtime.CompilerServices;
using Polly;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>A camera or network stream: no end, frames carry the time of their arrival. A network stream that breaks is opened again.</summary>
internal sealed class LiveSource : FrameSource
{
    private readonly object _address;
    private readonly bool _keepFrames;
    private readonly SamplingOptions _sampling;
    private readonly Action<string> _notify;
    private readonly ResiliencePipeline<OpenCvCapture?> _reopening;
    private OpenCvCapture? _capture;

    /// <param name="capture">Open; owned from now on.</param>
    /// <param name="address">What to open again: the address of a network stream, or the index of a camera, which is not opened again.</param>
    /// <param name="label">The address without credentials.</param>
    /// <param name="keepFrames">Each frame gets pixels of its own.</param>
    /// <param name="sampling">Which frames are taken.</param>
    /// <param name="notify">Tells people that the stream broke or came back.</param>
    public LiveSource(OpenCvCapture capture, object address, string label, bool keepFrames, SamplingOptions sampling, Action<string> notify)
    {
        _capture = capture;
        _address = address;
        Label = label;
        _keepFrames = keepFrames;
        _sampling = sampling;
        _notify = notify;
        _reopening = Reconnect.Pipeline(int.MaxValue, sampling.Time);
    }

    public override string Label { get; }

    public override bool HasClock => true;

    public override long? Count => _sampling.CountOf(null, null);

    public override async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var sampler = new FrameSampler(_sampling.PerSecond);
        var name = ArtifactName();
        long index = 0;
        long taken = 0;
        long? first = null;
        try
        {
            while (taken < _sampling.MaxFrames && _capture is not null)
            {
                if (!await _capture.GrabAsync(cancellationToken))
                {
                    _capture = await ReopenAsync(_capture, cancellationToken);
                    continue;
                }

                first ??= _sampling.Time.GetTimestamp();
                var seconds = _sampling.Time.GetElapsedTime(first.Value).TotalSeconds;
                var number = index++;
                if (!sampler.Takes(seconds) || await _capture.RetrieveAsync(cancellationToken) is not { } pixels)
                {
                    continue;
                }

                taken++;
                yield return new PixelItem
                {
                    Path = Label,
                    Name = string.Create(CultureInfo.InvariantCulture, $"{name}-{number:000000}"),
                    TimeSeconds = Math.Round(seconds, 3),
                    CaptureTime = _sampling.Time.GetUtcNow(),
                    Pixels = pixels,
                    Width = _capture.Width,
                    Height = _capture.Height,
                };
            }
        }
        finally
        {
            if (_capture is not null)
            {
                await _capture.DisposeAsync();
            }
        }
    }

    /// <returns>Null when the stream is over: a camera was unplugged.</returns>
    private async Task<OpenCvCapture?> ReopenAsync(OpenCvCapture broken, CancellationToken cancellationToken)
    {
        await broken.DisposeAsync();
        _capture = null;
        if (_address is not string)
        {
            _notify($"{Label} gives no more frames");
            return null;
        }

        _notify($"{Label} broke; reconnecting");
        var capture = await _reopening.ExecuteAsync(
            async token => await OpenCvCapture.OpenAsync(_address, _keepFrames, token), cancellationToken);
        _notify($"{Label} is back");
        return capture;
    }

    private string ArtifactName() => Uri.TryCreate(Label, UriKind.Absolute, out var uri) && uri.Host.Length > 0 ? uri.Host : Label;
}
