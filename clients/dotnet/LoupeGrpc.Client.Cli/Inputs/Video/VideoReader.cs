using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>
/// One run of ffmpeg over one source. A thread reads its frames straight into their buffers, one ahead of who asks for them; another reads what it says.
/// One reader at a time.
/// </summary>
internal sealed class VideoReader : IAsyncDisposable
{
    /// <summary>More than any server takes: the frame is passed over.</summary>
    private const long LargestFrame = 256L << 20;

    /// <summary>How long ffmpeg may take to end when it has written its last frame.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(10);

    /// <summary>Each is a frame of delay, and a frame of doubt around damage.</summary>
    private static readonly int DecodingThreads = Math.Min(Environment.ProcessorCount, 4);

    /// <summary>Seconds: the same time in two time bases, and no frame rate.</summary>
    private const double SameTime = 6e-4;

    private readonly ChildProgram _ffmpeg;
    private readonly VideoInput _input;
    private readonly FrameLedger _ledger;
    private readonly FrameBuffers _buffers;
    private readonly SamplingOptions _sampling;
    private readonly TimeSpan _timeout;
    private readonly BlockingCollection<FrameEntry> _entries = [];
    private readonly Channel<(VideoFrame Frame, byte[]? Buffer)> _frames =
        Channel.CreateBounded<(VideoFrame, byte[]?)>(new BoundedChannelOptions(1) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _stopped = new();
    private readonly Task _listening;
    private readonly Task _reading;
    private byte[]? _lent;
    private VideoFrame? _peeked;
    private double? _offset;
    private long _lastNumber = -1;
    private long _lastActivity;
    private bool _isOver;

    private VideoReader(ChildProgram ffmpeg, VideoInput input, FrameLedger ledger, bool keepFrames, SamplingOptions sampling, TimeSpan timeout)
    {
        _ffmpeg = ffmpeg;
        _input = input;
        _ledger = ledger;
        _buffers = new FrameBuffers(keepFrames);
        _sampling = sampling;
        _timeout = timeout;
        _lastActivity = sampling.Time.GetTimestamp();
        _listening = ChildProgram.OnThread(Listen);
        _reading = ChildProgram.OnThread(ReadFrames);
    }

    /// <summary>Why no more frames come, for people; null while they come, and after the end of a recording.</summary>
    public string? Failure { get; private set; }

    /// <summary>Whether it gave nothing for longer than it may.</summary>
    public bool HasTimedOut { get; private set; }

    /// <summary>The codec for which ffmpeg has no decoder; null when that is not what is wrong. After the end.</summary>
    public string? MissingDecoder => _ledger.MissingDecoder;

    /// <summary>Frames that should have followed the last. After the end.</summary>
    public Loss? LostAtEnd { get; private set; }

    /// <summary>Seconds that the container says it lasts; null when it does not say. Known with the first frame.</summary>
    public double? Duration => _ledger.Duration;

    /// <summary>Starts ffmpeg; what it says of the source comes with the first frame.</summary>
    /// <param name="tools">The system's.</param>
    /// <param name="input">What to open.</param>
    /// <param name="promise">What ffprobe said of it.</param>
    /// <param name="isLive">A stream without an end.</param>
    /// <param name="keepFrames">Each frame gets pixels of its own.</param>
    /// <param name="options">How to read.</param>
    /// <param name="sampling">Which frames are wanted: the others are not even written to the pipe.</param>
    /// <exception cref="ProgramUnavailableException">ffmpeg cannot be started.</exception>
    public static VideoReader Start(
        VideoTools tools, VideoInput input, VideoPromise promise, bool isLive, bool keepFrames, VideoOptions options, SamplingOptions sampling)
    {
        // As many frames as decoding threads, those that wait to be shown in their order, and from 7.0 on those in the queues between threads.
        var inFlight = DecodingThreads + 4 + (tools.HasQueues ? 16 : 0);
        var ffmpeg = ChildProgram.Start(tools.Ffmpeg, Arguments(tools, input, promise, options, sampling));
        return new VideoReader(ffmpeg, input, new FrameLedger(promise, input, isLive, inFlight), keepFrames, sampling, options.ReadTimeout);
    }

    /// <summary>Starts a reader and waits for its first frame. One that has none is disposed of, and has a <see cref="Failure"/>.</summary>
    public static async Task<VideoReader> OpenAsync(Func<VideoReader> start, CancellationToken cancellationToken)
    {
        var reader = start();
        try
        {
            reader._peeked = await reader.ReadAsync(cancellationToken);
            if (reader._peeked is null)
            {
                reader.Failure ??= reader._ledger.Reason ?? "it has no frames";
            }

            return reader;
        }
        finally
        {
            if (reader._peeked is null)
            {
                await reader.DisposeAsync();
            }
        }
    }

    /// <returns>Null when no more come.</returns>
    public async Task<VideoFrame?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_peeked is { } first)
        {
            _peeked = null;
            return first;
        }

        if (_lent is not null)
        {
            _buffers.Return(_lent);
            _lent = null;
        }

        if (_isOver)
        {
            return null;
        }

        var next = await NextAsync(cancellationToken);
        _lent = next?.Buffer;
        return next?.Frame;
    }

    /// <summary>Ends ffmpeg; a camera first hears a goodbye.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        if (!_isOver && _input.WantsGoodbye)
        {
            await _ffmpeg.AskToEndAsync();
            await ChildProgram.PoliteDelayAsync(Task.WhenAll(_listening, _reading));
        }

        await _ffmpeg.DisposeAsync();
    }

    private static List<string> Arguments(VideoTools tools, VideoInput input, VideoPromise promise, VideoOptions options, SamplingOptions sampling)
    {
        List<string> arguments = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+info"];
        if (options.HardwareDecoder is { } decoder)
        {
            arguments.AddRange(["-hwaccel", decoder]);
        }

        arguments.AddRange(["-threads", DecodingThreads.ToString(CultureInfo.InvariantCulture)]);
        if (promise.IsIntraOnly)
        {
            // A picture with a hole is no frame; where frames are made of others the ledger decides.
            arguments.AddRange(["-err_detect", "explode"]);
        }

        arguments.AddRange([.. input.Arguments, "-i", input.Address, "-map", "0:V:0"]);

        // Every frame is told, those that are not wanted too: damage goes through them.
        arguments.AddRange(["-vf", sampling.PerSecond is { } rate ? $"showinfo=checksum=0,{Select(rate)}" : "showinfo=checksum=0"]);

        // Each frame in its own size, at its own time, in the colours that OpenCV makes of it.
        arguments.AddRange(["-noautoscale", tools.HasFrameRateModes ? "-fps_mode" : "-vsync", "passthrough", "-enc_time_base", tools.HasQueues ? "demux" : "-1"]);
        arguments.AddRange(["-sws_flags", "bicubic", "-pix_fmt", "bgr24", "-c:v", "rawvideo", "-f", "nut", "-flush_packets", "1", "pipe:1"]);
        return arguments;
    }

    /// <summary>The rule of <see cref="FrameSampler"/>, in ffmpeg's words.</summary>
    private static string Select(double perSecond) => string.Create(
        CultureInfo.InvariantCulture,
        $"select='isnan(prev_selected_t)+gt(floor(t*{perSecond:R}+{FrameSampler.Tolerance:0.0######}),floor(prev_selected_t*{perSecond:R}+{FrameSampler.Tolerance:0.0######}))'");

    /// <returns>Null when no more come.</returns>
    private async Task<(VideoFrame Frame, byte[]? Buffer)?> NextAsync(CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _lastActivity, _sampling.Time.GetTimestamp());
        var waiting = _frames.Reader.WaitToReadAsync(cancellationToken).AsTask();
        try
        {
            while (true)
            {
                var left = _timeout - _sampling.Time.GetElapsedTime(Interlocked.Read(ref _lastActivity));
                if (left <= TimeSpan.Zero)
                {
                    HasTimedOut = true;
                    return await BrokenAsync(VideoOptions.NothingCameFor(_timeout));
                }

                try
                {
                    await waiting.WaitAsync(left, _sampling.Time, cancellationToken);
                    break;
                }
                catch (TimeoutException)
                {
                    // Something may have come meanwhile that is no frame yet.
                }
            }
        }
        catch (InvalidDataException error)
        {
            return await BrokenAsync(error.Message);
        }

        if (_frames.Reader.TryRead(out var next))
        {
            return next;
        }

        _isOver = true;
        if (await Task.WhenAny(_listening, Task.Delay(EndTime, CancellationToken.None)) != _listening)
        {
            return await BrokenAsync("ffmpeg did not end");
        }

        var exitCode = await _ffmpeg.ExitAsync();
        LostAtEnd = _ledger.AtEnd(exitCode is 0 ? null : _ledger.Reason ?? $"ffmpeg ended with code {exitCode}");
        Failure = exitCode is 0 ? null : _ledger.Reason;
        return null;
    }

    private async Task<(VideoFrame Frame, byte[]? Buffer)?> BrokenAsync(string failure)
    {
        _isOver = true;
        Failure = failure;
        await _ffmpeg.DisposeAsync();
        await ChildProgram.PoliteDelayAsync(_listening);
        LostAtEnd = _listening.IsCompleted ? _ledger.AtEnd(failure) : null;
        return null;
    }

    private void ReadFrames()
    {
        Exception? failure = null;
        try
        {
            var demuxer = new NutDemuxer(_ffmpeg.Output);
            while (!_stopped.IsCancellationRequested && demuxer.TryReadFrame(out var bytes, out var seconds))
            {
                Interlocked.Exchange(ref _lastActivity, _sampling.Time.GetTimestamp());
                byte[]? buffer = null;
                if (bytes <= LargestFrame)
                {
                    buffer = _buffers.Rent((int)bytes);
                    demuxer.ReadData(buffer);
                }
                else
                {
                    demuxer.SkipData(bytes);
                }

                // Only now: while the pipe is full of this frame ffmpeg does not come to the next, and says nothing of it.
                var (entry, lost) = EntryOf(bytes, seconds, demuxer);
                Interlocked.Exchange(ref _lastActivity, _sampling.Time.GetTimestamp());
#pragma warning disable RS0030 // A thread of its own, which has nothing else to do.
                _frames.Writer.WriteAsync((new VideoFrame(entry, lost, buffer), buffer), _stopped.Token).AsTask().GetAwaiter().GetResult();
#pragma warning restore RS0030
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Stopped, or ffmpeg ended within a frame: its exit code and its lines say why.
        }
        catch (Exception error)
        {
            failure = error;
        }
        finally
        {
            _frames.Writer.TryComplete(failure);
            Drain();
        }
    }

    /// <summary>One that is to say goodbye must not be stuck in writing.</summary>
    private void Drain()
    {
        var rest = new byte[64 * 1024];
        try
        {
            while (_input.WantsGoodbye && _ffmpeg.Output.Read(rest) > 0)
            {
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It is gone.
        }
    }

    /// <summary>Finds the line that was written about a frame, if only a little later. Those of frames that were not wanted are passed over; what they say of losses is kept.</summary>
    private (FrameEntry Entry, IReadOnlyList<Loss> LostBefore) EntryOf(long bytes, double seconds, NutDemuxer demuxer)
    {
        List<Loss>? lost = null;
        while (_entries.TryTake(out var entry, Timeout.Infinite, _stopped.Token))
        {
            if (entry.LostBefore is { } loss)
            {
                (lost ??= []).Add(loss);
            }

            // Times before 0 are moved by ffmpeg, all by the same.
            _offset ??= seconds - entry.FfmpegSeconds;
            _lastNumber = entry.Number;
            if (3L * entry.Width * entry.Height == bytes
                && (_sampling.PerSecond is null || Math.Abs(entry.FfmpegSeconds + _offset.Value - seconds) < SameTime))
            {
                return (entry, lost ?? []);
            }
        }

        return 3L * demuxer.Width * demuxer.Height == bytes
            ? (new FrameEntry(++_lastNumber, seconds, seconds, demuxer.Width, demuxer.Height, null, null), lost ?? [])
            : throw new InvalidDataException("ffmpeg does not say how large its frames are");
    }

    private void Listen()
    {
        try
        {
            using var lines = new StreamReader(_ffmpeg.Error, Encoding.UTF8);
            while (lines.ReadLine() is { } line)
            {
                foreach (var entry in _ledger.Take(FfmpegLine.Parse(line)))
                {
                    Interlocked.Exchange(ref _lastActivity, _sampling.Time.GetTimestamp());
                    _entries.Add(entry, CancellationToken.None);
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The process is gone.
        }
        finally
        {
            if (_ledger.TakeRest() is { } only)
            {
                _entries.Add(only, CancellationToken.None);
            }

            _entries.CompleteAdding();
        }
    }
}
