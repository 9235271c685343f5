using System.Buffers.Binary;

namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>
/// Reads a NUT container with one stream of raw video, as ffmpeg writes it: times are whole numbers of the source's own time base, and each frame says
/// how many bytes it has. Not for files of strangers: checksums are not looked at. Not thread-safe.
/// </summary>
/// <param name="input">Read ahead only as far as a frame's header; frames go straight to where they belong.</param>
internal sealed class NutDemuxer(Stream input)
{
    private const ulong MainStartCode = 0x4E4D7A561F5F04AD;
    private const ulong StreamStartCode = 0x4E5311405BF2F9DB;
    private const ulong SyncPointStartCode = 0x4E4BE4ADEECA4569;

    /// <summary>A packet longer than this has a checksum behind its length.</summary>
    private const ulong LongPacket = 4096;

    private const ulong LargestElided = 4096;

    /// <summary>Headers have some hundred bytes; more is not what ffmpeg writes.</summary>
    private const ulong LargestHeader = 1 << 20;

    private readonly byte[] _ahead = new byte[4096];
    private readonly FrameCode[] _codes = new FrameCode[256];
    private (ulong Numerator, ulong Denominator)[] _timeBases = [];
    private byte[][] _elisions = [[]];
    private byte[] _elided = [];
    private int _next;
    private int _end;
    private int _timeBase;
    private int _msbShift;
    private long _lastPts;
    private long _consumed;

    /// <summary>Pixels of the first frame; 0 before it.</summary>
    public int Width { get; private set; }

    /// <summary>Pixels of the first frame; 0 before it.</summary>
    public int Height { get; private set; }

    [Flags]
    private enum FrameFlags : uint
    {
        EndOfRelevance = 2,
        CodedPts = 8,
        StreamId = 16,
        SizeMsb = 32,
        Checksum = 64,
        Reserved = 128,
        SideData = 256,
        HeaderIndex = 1024,
        MatchTime = 2048,
        Coded = 4096,
        Invalid = 8192,
    }

    /// <summary>Goes to the next frame, whose bytes <see cref="ReadData"/> or <see cref="SkipData"/> must take.</summary>
    /// <param name="bytes">How many it has.</param>
    /// <param name="seconds">Its time.</param>
    /// <returns>False at the end.</returns>
    /// <exception cref="EndOfStreamException">The stream ends within a frame.</exception>
    /// <exception cref="InvalidDataException">It is not what ffmpeg writes.</exception>
    public bool TryReadFrame(out long bytes, out double seconds)
    {
        (bytes, seconds) = (0, 0);
        while (TryPeek(out var first))
        {
            if (first == 'n')
            {
                SkipFileId();
            }
            else if (first == 'N')
            {
                ReadPacket();
            }
            else
            {
                ReadFrameHeader(out bytes, out seconds);
                return true;
            }
        }

        return false;
    }

    public void ReadData(Span<byte> frame)
    {
        _elided.CopyTo(frame);
        frame = frame[_elided.Length..];
        var buffered = Math.Min(frame.Length, _end - _next);
        _ahead.AsSpan(_next, buffered).CopyTo(frame);
        _next += buffered;
        input.ReadExactly(frame[buffered..]);
    }

    public void SkipData(long bytes)
    {
        bytes -= _elided.Length;
        while (bytes > 0)
        {
            if (_next == _end)
            {
                Fill();
            }

            var step = (int)Math.Min(bytes, _end - _next);
            _next += step;
            bytes -= step;
        }
    }

    private void ReadFrameHeader(out long bytes, out double seconds)
    {
        var code = _codes[ReadByte()];
        var flags = code.Flags;
        if (flags.HasFlag(FrameFlags.Invalid))
        {
            throw Unexpected();
        }

        if (flags.HasFlag(FrameFlags.Coded))
        {
            flags ^= (FrameFlags)ReadNumber();
        }

        if (flags.HasFlag(FrameFlags.StreamId))
        {
            ReadNumber();
        }

        _lastPts = flags.HasFlag(FrameFlags.CodedPts) ? FullPts(ReadNumber()) : _lastPts + code.PtsDelta;
        var size = code.SizeLsb + (flags.HasFlag(FrameFlags.SizeMsb) ? checked(code.SizeMultiplier * ReadNumber()) : 0);
        if (flags.HasFlag(FrameFlags.MatchTime))
        {
            ReadNumber();
        }

        var header = flags.HasFlag(FrameFlags.HeaderIndex) ? Bounded(ReadNumber(), _elisions.Length - 1) : code.HeaderIndex;
        var reserved = flags.HasFlag(FrameFlags.Reserved) ? ReadNumber() : code.Reserved;
        for (; reserved > 0; reserved--)
        {
            ReadNumber();
        }

        if (flags.HasFlag(FrameFlags.Checksum))
        {
            ReadNumber32();
        }

        if (flags.HasFlag(FrameFlags.SideData) || _timeBase >= _timeBases.Length || size > long.MaxValue)
        {
            throw Unexpected();
        }

        // Small frames that begin as many do are written without that beginning.
        _elided = size <= LargestElided && header < _elisions.Length ? _elisions[header] : [];

        var (numerator, denominator) = _timeBases[_timeBase];
        bytes = (long)size;
        seconds = (double)_lastPts * numerator / denominator;
    }

    /// <summary>The low bits of a time near the last one, or, from 1 shl shift on, the whole time.</summary>
    private long FullPts(ulong coded)
    {
        var whole = 1L << _msbShift;
        if ((long)coded >= whole)
        {
            return (long)coded - whole;
        }

        var mask = whole - 1;
        var lowest = _lastPts - (mask / 2);
        return (((long)coded - lowest) & mask) + lowest;
    }

    private void ReadPacket()
    {
        Span<byte> startCode = stackalloc byte[8];
        for (var i = 0; i < startCode.Length; i++)
        {
            startCode[i] = ReadByte();
        }

        var length = ReadNumber();
        if (length > LongPacket)
        {
            ReadNumber32();
        }

        if (length > LargestHeader)
        {
            throw Unexpected();
        }

        var consumed = _consumed;
        switch (BinaryPrimitives.ReadUInt64BigEndian(startCode))
        {
            case MainStartCode:
                ReadMainHeader();
                break;
            case StreamStartCode:
                ReadStreamHeader();
                break;
            case SyncPointStartCode:
                ReadSyncPoint();
                break;
        }

        // What else a packet has, its checksum, and kinds that are of no interest here.
        SkipHeader((long)length - (_consumed - consumed));
    }

    private void ReadMainHeader()
    {
        if (ReadNumber() > 3)
        {
            ReadNumber();
        }

        if (ReadNumber() != 1)
        {
            throw Unexpected();
        }

        ReadNumber();
        _timeBases = new (ulong, ulong)[Bounded(ReadNumber(), 16)];
        for (var i = 0; i < _timeBases.Length; i++)
        {
            _timeBases[i] = (ReadNumber(), Math.Max(1, ReadNumber()));
        }

        ReadFrameCodes();
        _elisions = new byte[Bounded(ReadNumber(), 127) + 1][];
        _elisions[0] = [];
        for (var i = 1; i < _elisions.Length; i++)
        {
            _elisions[i] = new byte[Bounded(ReadNumber(), 1024)];
            for (var j = 0; j < _elisions[i].Length; j++)
            {
                _elisions[i][j] = ReadByte();
            }
        }
    }

    private void ReadFrameCodes()
    {
        ulong multiplier = 1, size = 0, reserved = 0;
        long ptsDelta = 0;
        var header = 0;
        for (var i = 0; i < _codes.Length;)
        {
            var flags = (FrameFlags)ReadNumber();
            var fields = ReadNumber();
            ptsDelta = fields > 0 ? ReadSigned() : ptsDelta;
            multiplier = fields > 1 ? ReadNumber() : multiplier;
            _ = fields > 2 ? ReadNumber() : 0;
            size = fields > 3 ? ReadNumber() : 0;
            reserved = fields > 4 ? ReadNumber() : 0;
            var count = fields > 5 ? ReadNumber() : multiplier - size;
            _ = fields > 6 ? ReadNumber() : 0;
            header = fields > 7 ? Bounded(ReadNumber(), 127) : header;
            for (var field = 8UL; field < fields; field++)
            {
                ReadNumber();
            }

            for (var j = 0UL; j < count && i < _codes.Length; i++)
            {
                // A frame never begins with N: start codes do.
                _codes[i] = i == 'N'
                    ? new FrameCode(FrameFlags.Invalid, 0, 0, 0, 0, 0)
                    : new FrameCode(flags, ptsDelta, multiplier, size + j++, reserved, header);
            }
        }
    }

    private void ReadStreamHeader()
    {
        ReadNumber();
        ReadNumber();
        SkipHeader(Bounded(ReadNumber(), 64));
        _timeBase = Bounded(ReadNumber(), 16);
        _msbShift = Bounded(ReadNumber(), 62);
        ReadNumber();
        ReadNumber();
        ReadNumber();
        SkipHeader(Bounded(ReadNumber(), 4096));
        Width = Bounded(ReadNumber(), int.MaxValue);
        Height = Bounded(ReadNumber(), int.MaxValue);
    }

    /// <summary>The time from which the next frame counts, so that reading may begin here.</summary>
    private void ReadSyncPoint()
    {
        var time = ReadNumber();
        var count = (ulong)_timeBases.Length;
        if (count == 0 || _timeBase >= _timeBases.Length)
        {
            throw Unexpected();
        }

        var (fromNumerator, fromDenominator) = _timeBases[time % count];
        var (toNumerator, toDenominator) = _timeBases[_timeBase];
        _lastPts = (long)((UInt128)(time / count) * fromNumerator * toDenominator / ((UInt128)fromDenominator * toNumerator));
    }

    private void SkipFileId()
    {
        while (ReadByte() != 0)
        {
        }
    }

    private void SkipHeader(long bytes)
    {
        for (; bytes > 0; bytes--)
        {
            ReadByte();
        }

        if (bytes < 0)
        {
            throw Unexpected();
        }
    }

    private long ReadSigned()
    {
        var value = ReadNumber() + 1;
        return (value & 1) != 0 ? -(long)(value >> 1) : (long)(value >> 1);
    }

    private ulong ReadNumber()
    {
        ulong value = 0;
        byte digit;
        do
        {
            digit = ReadByte();
            value = (value << 7) | (uint)(digit & 0x7F);
        }
        while ((digit & 0x80) != 0);
        return value;
    }

    private void ReadNumber32()
    {
        for (var i = 0; i < 4; i++)
        {
            ReadByte();
        }
    }

    private byte ReadByte()
    {
        if (_next == _end)
        {
            Fill();
        }

        _consumed++;
        return _ahead[_next++];
    }

    private bool TryPeek(out byte first)
    {
        if (_next == _end)
        {
            (_next, _end) = (0, input.Read(_ahead));
        }

        first = _next < _end ? _ahead[_next] : (byte)0;
        return _next < _end;
    }

    private void Fill()
    {
        (_next, _end) = (0, input.Read(_ahead));
        if (_end == 0)
        {
            throw new EndOfStreamException();
        }
    }

    private static int Bounded(ulong value, int most) => value <= (ulong)most ? (int)value : throw Unexpected();

    private static InvalidDataException Unexpected() => new("ffmpeg wrote something that this program does not understand");

    private readonly record struct FrameCode(
        FrameFlags Flags, long PtsDelta, ulong SizeMultiplier, ulong SizeLsb, ulong Reserved, int HeaderIndex);
}
