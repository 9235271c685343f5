namespace LoupeGrpc.Engine.Imaging;

/// <summary>Goes from marker to marker as libjpeg does, entropy-coded data included, so that what it counts is what a decoder would do.</summary>
internal ref struct JpegSegments(ReadOnlySpan<byte> data, int position)
{
    public const byte EndOfImage = 0xD9;
    public const byte StartOfScan = 0xDA;

    private const byte StartOfImage = 0xD8;
    private const byte FirstDefined = 0xC0;
    private const byte FirstRestart = 0xD0;
    private const byte LastRestart = 0xD7;

    private readonly ReadOnlySpan<byte> _data = data;

    /// <summary>Behind the segment that was read last.</summary>
    public int Position { get; private set; } = position;

    /// <summary>The first byte between two segments that belongs to neither; null: there was none.</summary>
    public int? Stray { get; private set; }

    /// <summary>The next segment; markers without one are passed over. False at the end of the data or where a length makes no sense.</summary>
    /// <param name="start">Of <paramref name="content"/>.</param>
    /// <param name="content">Without its length; empty for the end of the image.</param>
    public bool TryNext(out byte marker, out int start, out ReadOnlySpan<byte> content)
    {
        content = default;
        start = 0;
        while (TryNextMarker(out marker))
        {
            // Those below are not defined: what looks like a length behind them is none.
            if (marker is < FirstDefined or StartOfImage or (>= FirstRestart and <= LastRestart))
            {
                continue;
            }

            start = Position;
            if (marker == EndOfImage)
            {
                return true;
            }

            if (Position + 2 > _data.Length)
            {
                return false;
            }

            int length = (_data[Position] << 8) | _data[Position + 1];
            if (length < 2 || length > _data.Length - Position)
            {
                // A segment that is cut short still tells what its beginning says.
                content = length < 2 ? default : _data[(Position + 2)..];
                start = Position + 2;
                Position = _data.Length;
                return length >= 2;
            }

            start = Position + 2;
            content = _data.Slice(start, length - 2);
            Position += length;
            return true;
        }

        return false;
    }

    /// <summary>Behind a scan's header: passes its coded data, up to the next marker that is no restart.</summary>
    public void SkipCodedData()
    {
        while (true)
        {
            int found = _data[Position..].IndexOf((byte)0xFF);
            if (found < 0 || Position + found + 1 >= _data.Length)
            {
                Position = _data.Length;
                return;
            }

            byte next = _data[Position + found + 1];
            if (next is not (0 or (>= FirstRestart and <= LastRestart)))
            {
                Position += found;
                return;
            }

            Position += found + 2;
        }
    }

    private bool TryNextMarker(out byte marker)
    {
        marker = 0;
        while (marker == 0)
        {
            int found = Position < _data.Length ? _data[Position..].IndexOf((byte)0xFF) : -1;
            if (found < 0)
            {
                return false;
            }

            if (found > 0)
            {
                Stray ??= Position;
            }

            Position += found;

            // Any number of FF may stand before a marker; FF 00 is none.
            while (Position < _data.Length && _data[Position] == 0xFF)
            {
                Position++;
            }

            if (Position >= _data.Length)
            {
                return false;
            }

            marker = _data[Position++];
        }

        return true;
    }
}
