using System.Text.RegularExpressions;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>
/// Tells from ffmpeg's lines which frames are as they were filmed, which may be damaged and which are lost. A decoder goes on over damage, and what it
/// shows until the next key frame is made of what it lost: such frames are not believed. ffmpeg speaks of damage some frames before or after it shows it,
/// so that of the frames around one is rather believed too little. Not thread-safe.
/// </summary>
/// <param name="promise">What the container said.</param>
/// <param name="input">Whose lines these are.</param>
/// <param name="isLive">A stream that is joined somewhere, whose frames come when they come: gaps say nothing.</param>
/// <param name="inFlight">Frames that may be between what ffmpeg says and what it shows.</param>
internal sealed partial class FrameLedger(VideoPromise promise, VideoInput input, bool isLive, int inFlight)
{
    /// <summary>Only the cause and the last words are ever shown.</summary>
    private const int MaxErrors = 32;

    private readonly List<FfmpegLine.Message> _errors = [];
    private FfmpegLine.Rates _rates = new(0, 1, 0, 1);
    private string _format = "";
    private string _decoder = "";
    private bool _isIntraOnly = promise.IsIntraOnly;
    private long _shown;
    private long _lost;
    private double? _last;
    private double _shift;

    /// <summary>Waits for the second.</summary>
    private FrameEntry? _first;

    /// <summary>Packets that gave no frame, as far as their frames were not found missing.</summary>
    private long _undecodable;

    /// <summary>Something was wrong, so that a gap is one.</summary>
    private bool _isSuspect;
    private bool _isDamaged;
    private bool _isNextDamaged;
    private long _believedFrom;

    /// <summary>A decoder of frames that stand each for itself complained, and may show what it complained about all the same.</summary>
    private long _doubtedUntil;
    private bool _isCut;
    private string? _readError;
    private string _complaint = "";

    /// <summary>How long the container says it is, in seconds; null when it does not say.</summary>
    public double? Duration { get; private set; }

    /// <summary>What ffmpeg said last, for a stream that gave nothing; null when it said nothing.</summary>
    public string? Reason => input.Reason(_errors);

    /// <summary>The codec for which ffmpeg has no decoder; null when that is not what is wrong.</summary>
    public string? MissingDecoder { get; private set; }

    private double Interval => _rates is { FrameRate: > 0, FrameRateDenominator: > 0 } ? (double)_rates.FrameRateDenominator / _rates.FrameRate : 0;

    /// <returns>The frames of which all is known now. The first of a stream is kept until the second comes.</returns>
    public IEnumerable<FrameEntry> Take(FfmpegLine? line)
    {
        switch (line)
        {
            case FfmpegLine.Frame frame:
                return Take(frame);
            case FfmpegLine.Rates rates:
                _rates = rates;
                break;
            case FfmpegLine.Input opened:
                _format = opened.Format;
                break;
            case FfmpegLine.Duration duration:
                Duration = duration.Seconds;
                break;
            case FfmpegLine.Decoder decoder:
                _decoder = decoder.Name;
                _isIntraOnly |= new VideoPromise { Codec = decoder.Codec }.IsIntraOnly;
                break;
            case FfmpegLine.Message message:
                Take(message);
                break;
        }

        return [];
    }

    /// <summary>To be called when no more lines come.</summary>
    /// <returns>The first frame, if it is the only one.</returns>
    public FrameEntry? TakeRest() => Interlocked.Exchange(ref _first, null);

    /// <summary>To be asked when the stream has ended by itself.</summary>
    /// <param name="failure">Why it did; null when it just ended.</param>
    /// <returns>The frames that should have followed; null when all came.</returns>
    public Loss? AtEnd(string? failure)
    {
        var interval = Interval > 0 ? Interval : 1 / (promise.FramesPerSecond ?? 25);
        var next = _last is { } last ? last + interval + _shift : 0;
        var byCount = promise.Frames - _shown - _lost;
        var byTime = (promise.End ?? Duration) is { } end ? Math.Max(0, (long)Math.Round((end - next) / interval)) : (long?)null;
        var failed = _readError ?? failure;
        var isSuspect = _isSuspect || _isCut || failed is not null || _undecodable > 0;
        var missing = (byCount, byTime) switch
        {
            // The index also counts what an edit list leaves out, and a last picture may stand for a long time: both must speak of a loss.
            ({ } count, { } time) => Math.Min(count, time),
            ({ } count, null) when isSuspect => count,
            (null, { } time) when isSuspect => time,
            _ => 0,
        };
        missing = Math.Max(missing, Math.Max(_undecodable, failed is null ? 0 : 1));
        return missing <= 0
            ? null
            : new Loss(missing, _shown + _lost, next, interval, failed is not null ? $"is lost: {failed}" : "is lost: the recording ends before it");
    }

    private IEnumerable<FrameEntry> Take(FfmpegLine.Frame frame)
    {
        var isFirst = _last is null;
        var entry = EntryOf(frame);
        if (isFirst)
        {
            _first = entry;
            return [];
        }

        if (TakeRest() is not { } first)
        {
            return [entry];
        }

        if (entry.FfmpegSeconds <= first.FfmpegSeconds)
        {
            // The first frame of an RTSP stream comes without a time, and ffmpeg gives it that of the second.
            _shift = Interval;
            entry = entry with { Seconds = entry.Seconds + _shift };
        }

        return [first, entry];
    }

    private FrameEntry EntryOf(FfmpegLine.Frame frame)
    {
        var seconds = frame.Pts is { } pts
            ? (double)pts * _rates.TimeBaseNumerator / Math.Max(1, _rates.TimeBaseDenominator)
            : (_last + Interval) ?? 0;
        var loss = isLive ? LostLive(seconds) : LostBefore(seconds);
        if (loss is not null)
        {
            _lost += loss.Count;
            _isDamaged |= !_isIntraOnly;
        }

        if (_isDamaged && frame.IsKey && _shown >= _believedFrom)
        {
            _isDamaged = false;
        }

        var damage = _isDamaged || _isNextDamaged || _shown < _doubtedUntil ? $"may be damaged: {Complaint("its data or that of a frame before it is")}" : null;
        _isNextDamaged = false;
        _last = seconds;
        return new FrameEntry(_lost + _shown++, seconds + _shift, seconds, frame.Width, frame.Height, damage, loss);
    }

    private Loss? LostBefore(double seconds)
    {
        if (_last is not { } last)
        {
            // What cannot be decoded in front of the first key frame.
            var (ahead, step) = (_undecodable, Interval);
            _undecodable = 0;
            return ahead == 0 ? null : new Loss(ahead, 0, Math.Max(0, seconds - (ahead * step)), step, Undecodable());
        }

        if (!_isSuspect)
        {
            return null;
        }

        var gap = seconds - last;
        var missing = Interval > 0 ? (long)Math.Round(gap / Interval) - 1 : _undecodable;
        if (missing <= 0)
        {
            return null;
        }

        _undecodable = Math.Max(0, _undecodable - missing);
        _isSuspect = _undecodable > 0;
        return new Loss(missing, _shown + _lost, last + (gap / (missing + 1)) + _shift, gap / (missing + 1), Undecodable());
    }

    private Loss? LostLive(double seconds)
    {
        if (_last is not { } last)
        {
            // Joined in the middle: what came before the first key frame was not meant for us.
            (_undecodable, _isDamaged, _isNextDamaged, _believedFrom) = (0, false, false, 0);
            return null;
        }

        if (_undecodable == 0)
        {
            return null;
        }

        var (count, step) = (_undecodable, (seconds - last) / (_undecodable + 1));
        _undecodable = 0;
        return new Loss(count, _shown + _lost, last + step, step, Undecodable());
    }

    private string Undecodable() => $"cannot be decoded: {Complaint("its data is missing")}";

    private string Complaint(string otherwise) => _complaint.Length > 0 ? input.Redact(_complaint) : otherwise;

    private void Take(FfmpegLine.Message message)
    {
        if (message.IsError)
        {
            _errors.Add(message);
            if (_errors.Count > MaxErrors)
            {
                _errors.RemoveAt(0);
            }
        }

        var text = message.Text;
        if (NoDecoder().Match(text) is { Success: true } missing)
        {
            MissingDecoder = missing.Groups["codec"].Value;
        }
        else if (GaveNoFrame().IsMatch(text))
        {
            _undecodable++;
            _doubtedUntil = 0;
            Damaged(null);
        }
        else if (ShowsDamage().IsMatch(text))
        {
            _isNextDamaged = true;
            _doubtedUntil = 0;
            Damaged(null);
        }
        else if (EndsEarly().IsMatch(text) || (text.StartsWith("Packet corrupt", StringComparison.Ordinal) && _format is not ("" or "mpegts")))
        {
            (_isCut, _isSuspect) = (true, true);
        }
        else if (DemuxingFailed().Match(text) is { Success: true } failure && message.IsError)
        {
            _readError = input.Redact(failure.Groups["reason"].Value);
        }
        else if (message.IsError && text.StartsWith($"{input.Address}: ", StringComparison.Ordinal))
        {
            _readError = input.Redact(text[(input.Address.Length + 2)..]);
        }
        else if (LostOnTheWay().IsMatch(text))
        {
            Damaged(text);
        }
        else if (MissesData().IsMatch(text))
        {
            _isSuspect = true;
        }
        else if (message.IsError && message.Context.Length > 0
            && ((message.Context == _decoder && !Harmless().IsMatch(text)) || (message.Context == _format && !isLive)))
        {
            Damaged(text);
            if (_isIntraOnly && !isLive && !_isCut && message.Context == _decoder)
            {
                _doubtedUntil = _shown + inFlight;
            }
        }
    }

    private void Damaged(string? complaint)
    {
        _complaint = complaint ?? _complaint;
        _isSuspect = true;

        // Behind the last packet of a file that was cut off nothing follows that could be made of it.
        if (!_isIntraOnly && !_isCut)
        {
            _isDamaged = true;
            _believedFrom = _shown + inFlight;
        }
    }

    /// <summary>Before 6.1, from 6.1 on, from 7.0 on.</summary>
    [GeneratedRegex(@"Error while decoding stream|Error submitting (?:a )?packet to (?:the )?decoder|Decoding error: ")]
    private static partial Regex GaveNoFrame();

    [GeneratedRegex(@"corrupt decoded frame|concealing \d+ DC, ")]
    private static partial Regex ShowsDamage();

    [GeneratedRegex(@"partial file|File ended prematurely|Stream ends prematurely")]
    private static partial Regex EndsEarly();

    [GeneratedRegex(@"Error during demuxing: (?<reason>.+)")]
    private static partial Regex DemuxingFailed();

    [GeneratedRegex(@"RTP: missed \d+ packets|max delay reached")]
    private static partial Regex LostOnTheWay();

    /// <summary>Also said where two recordings were joined: damage only where a gap shows it.</summary>
    [GeneratedRegex(@"[Cc]orrupt input packet|Packet corrupt|Packet mismatch|Failed to open segment|HTTP error|keepalive request failed")]
    private static partial Regex MissesData();

    /// <summary>What decoders say of streams of many cameras that are as they should be.</summary>
    [GeneratedRegex(@"mmco: |co located POCs unavailable|number of reference frames|SEI type |unable to decode APP fields|non-existing [PS]PS|no frame!")]
    private static partial Regex Harmless();

    /// <summary>Up to 6.0, from 6.1 on.</summary>
    [GeneratedRegex(@"Decoder \(codec (?<codec>\w+)\) not found|no decoder found for: (?<codec>\w+)")]
    private static partial Regex NoDecoder();
}
