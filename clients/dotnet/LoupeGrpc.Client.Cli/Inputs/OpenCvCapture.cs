using System.Runtime.InteropServices;
using LoupeGrpc.Client.Cli.Artifacts;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Frames of a video, camera or network stream as BGR pixels. One reader at a time; reads block on threads of their own.</summary>
internal sealed class OpenCvCapture : IAsyncDisposable
{
    private readonly VideoCapture _capture;
    private readonly Mat _frame = new();
    private readonly bool _keepFrames;
    private byte[] _pixels = [];
    private Task<bool> _reading = Task.FromResult(true);

    private OpenCvCapture(VideoCapture capture, bool keepFrames)
    {
        _capture = capture;
        _keepFrames = keepFrames;
    }

    /// <summary>Frames a second that the container promises; null when it does not say.</summary>
    public double? FramesPerSecond => _capture.Fps is > 0 and < 1000 and var fps ? fps : null;

    /// <summary>Frames that the container promises; null when it does not say.</summary>
    public long? FrameCount => _capture.FrameCount is > 0 and var count ? count : null;

    /// <summary>Milliseconds from the start, of the frame that was last grabbed.</summary>
    public double PositionMs => _capture.PosMsec;

    /// <summary>Pixels of the frame that was last retrieved.</summary>
    public int Width { get; private set; }

    /// <summary>Pixels of the frame that was last retrieved.</summary>
    public int Height { get; private set; }

    /// <returns>Null when it cannot be opened as a video.</returns>
    /// <param name="source">Camera index, or file name or address.</param>
    /// <param name="keepFrames">Each frame gets pixels of its own; else they are valid until the next read.</param>
    /// <param name="cancellationToken">Gives up waiting; a network stream may take half a minute to fail.</param>
    public static async Task<OpenCvCapture?> OpenAsync(object source, bool keepFrames, CancellationToken cancellationToken)
    {
        OpenCvRuntime.EnsureLoaded();
        var opening = Task.Run(
            () =>
            {
                var capture = source switch
                {
                    int camera => new VideoCapture(camera),
                    string address => new VideoCapture(address, VideoCaptureAPIs.FFMPEG),
                    _ => throw new ArgumentException("A camera index or an address.", nameof(source)),
                };
                if (capture.IsOpened())
                {
                    return capture;
                }

                capture.Dispose();
                return null;
            },
            CancellationToken.None);
        try
        {
            var capture = await opening.WaitAsync(cancellationToken);
            return capture is null ? null : new OpenCvCapture(capture, keepFrames);
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(late => late.Result?.Dispose(), TaskContinuationOptions.OnlyOnRanToCompletion);
            throw;
        }
    }

    /// <summary>Moves to the next frame without decoding it.</summary>
    /// <returns>False at the end, or when the source broke.</returns>
    public Task<bool> GrabAsync(CancellationToken cancellationToken) => RunAsync(_capture.Grab, cancellationToken);

    /// <summary>Decodes the frame that was grabbed.</summary>
    /// <returns>Its BGR pixels without padding; null when it cannot be decoded.</returns>
    public async Task<ReadOnlyMemory<byte>?> RetrieveAsync(CancellationToken cancellationToken)
    {
        if (!await RunAsync(() => _capture.Retrieve(_frame), cancellationToken) || _frame.Empty() || _frame.Type() != MatType.CV_8UC3)
        {
            return null;
        }

        (Width, Height) = (_frame.Width, _frame.Height);
        var rowBytes = Width * 3;
        var bytes = rowBytes * Height;
        if (_keepFrames || _pixels.Length != bytes)
        {
            _pixels = new byte[bytes];
        }

        for (var row = 0; row < Height; row++)
        {
            Marshal.Copy(_frame.Ptr(row), _pixels, row * rowBytes, rowBytes);
        }

        return _pixels;
    }

    /// <summary>Frees the capture now, or when a read that was given up returns.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_reading.IsCompleted)
        {
            await ((Task)_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Free();
        }
        else
        {
            _ = _reading.ContinueWith(_ => Free(), TaskScheduler.Default);
        }
    }

    private Task<bool> RunAsync(Func<bool> read, CancellationToken cancellationToken)
    {
        _reading = Task.Run(read, CancellationToken.None);
        return _reading.WaitAsync(cancellationToken);
    }

    private void Free()
    {
        _capture.Dispose();
        _frame.Dispose();
    }
}
