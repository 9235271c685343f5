using System.Buffers.Binary;

namespace LoupeGrpc.Provenance;

/// <summary>
/// Finds the manifest store of a JPEG (JUMBF in APP11, ISO/IEC 19566-5), a PNG (chunk <c>caBX</c>) or a WebP (chunk <c>C2PA</c>). Goes from header to header and
/// allocates nothing for files without one.
/// </summary>
internal static class StoreFinder
{
    private const int SegmentOverhead = 2;
    private const byte App11 = 0xEB;
    private const byte StartOfScan = 0xDA;
    private const byte EndOfImage = 0xD9;
    private const int ChunkOverhead = 12;
    private const int RiffChunkHeader = 8;

    /// <summary>CI, En and Z before the box's own header.</summary>
    private const int PieceHeader = 8;
    private const int BoxHeader = 8;
    private const int LongBoxHeader = 16;
    private const int InstanceOffset = 2;
    private const int SequenceOffset = 4;

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static bool TryLocate(ReadOnlySpan<byte> file, out StoreLocation location)
    {
        if (file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            for (int position = 2; TryReadSegment(file, ref position, out byte marker, out int start, out int end);)
            {
                if (marker == App11 && IsFirstPiece(file[start..end]))
                {
                    location = new StoreLocation(StoreContainer.Jpeg, start - (2 * SegmentOverhead));
                    return true;
                }
            }
        }
        else if (file.StartsWith(PngSignature))
        {
            for (int position = PngSignature.Length; TryReadChunk(file, ref position, out int start, out _);)
            {
                if (file.Slice(start + 4, 4).SequenceEqual("caBX"u8))
                {
                    location = new StoreLocation(StoreContainer.Png, start);
                    return true;
                }
            }
        }
        else if (file.StartsWith("RIFF"u8) && file.Length >= 12 && file[8..].StartsWith("WEBP"u8))
        {
            for (int position = 12; TryReadRiffChunk(file, ref position, out int start, out _);)
            {
                if (file.Slice(start, 4).SequenceEqual("C2PA"u8))
                {
                    location = new StoreLocation(StoreContainer.WebP, start);
                    return true;
                }
            }
        }

        location = default;
        return false;
    }

    /// <exception cref="CredentialsException"/>
    public static FoundStore Collect(ReadOnlyMemory<byte> file, StoreLocation location)
    {
        var span = file.Span;
        int position = location.Start;
        if (location.Container == StoreContainer.Jpeg)
        {
            return CollectSegments(file, position);
        }

        int start, end;
        if (location.Container == StoreContainer.Png)
        {
            _ = TryReadChunk(span, ref position, out start, out end);
            var place = new FileRange(start, Math.Min(position, file.Length));
            RefuseSecond(span, position, static (file, from) => FindChunk(file, from));
            return new FoundStore(file[(start + 8)..end], [place]);
        }

        _ = TryReadRiffChunk(span, ref position, out start, out end);
        RefuseSecond(span, position, static (file, from) => FindRiffChunk(file, from));
        return new FoundStore(file[(start + RiffChunkHeader)..end], [new FileRange(start, Math.Min(position, file.Length))]);
    }

    private static void RefuseSecond(ReadOnlySpan<byte> file, int from, Func<ReadOnlySpan<byte>, int, bool> isThere)
    {
        if (isThere(file, from))
        {
            throw new CredentialsException("the file has more than one manifest store");
        }
    }

    private static bool FindChunk(ReadOnlySpan<byte> file, int from)
    {
        while (TryReadChunk(file, ref from, out int start, out _))
        {
            if (file.Slice(start + 4, 4).SequenceEqual("caBX"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static bool FindRiffChunk(ReadOnlySpan<byte> file, int from)
    {
        while (TryReadRiffChunk(file, ref from, out int start, out _))
        {
            if (file.Slice(start, 4).SequenceEqual("C2PA"u8))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The pieces of a box have its number (En), are numbered from 1 (Z), and each repeats the box's header, which says how long it is in all.</summary>
    private static FoundStore CollectSegments(ReadOnlyMemory<byte> memory, int position)
    {
        var file = memory.Span;
        using var content = new MemoryStream();
        List<FileRange> places = [];
        ushort instance = 0;
        uint expected = 1;
        ulong total = ulong.MaxValue;
        while (TryReadSegment(file, ref position, out byte marker, out int start, out int end))
        {
            var piece = file[start..end];
            if (marker != App11 || !IsPiece(piece))
            {
                continue;
            }

            ushort number = BinaryPrimitives.ReadUInt16BigEndian(piece[InstanceOffset..]);
            if (places.Count > 0 && (number != instance || (ulong)content.Length >= total))
            {
                if (IsFirstPiece(piece))
                {
                    throw new CredentialsException("the file has more than one manifest store");
                }

                continue;
            }

            instance = number;
            total = TotalOf(piece);
            if (BinaryPrimitives.ReadUInt32BigEndian(piece[SequenceOffset..]) != expected)
            {
                throw new CredentialsException($"its {expected}. segment is missing, or stands in the wrong place");
            }

            bool isLong = BinaryPrimitives.ReadUInt32BigEndian(piece[PieceHeader..]) == 1;
            int header = PieceHeader + (expected == 1 ? 0 : isLong ? LongBoxHeader : BoxHeader);
            if (header > piece.Length)
            {
                throw new CredentialsException($"its {expected}. segment is cut short");
            }

            content.Write(piece[header..]);
            places.Add(new FileRange(start - (2 * SegmentOverhead), end));
            expected++;
        }

        return new FoundStore(content.ToArray(), places);
    }

    private static ulong TotalOf(ReadOnlySpan<byte> piece)
    {
        uint length = BinaryPrimitives.ReadUInt32BigEndian(piece[PieceHeader..]);
        return length != 1 ? length : piece.Length >= PieceHeader + LongBoxHeader ? BinaryPrimitives.ReadUInt64BigEndian(piece[(PieceHeader + BoxHeader)..]) : 0;
    }

    private static bool IsPiece(ReadOnlySpan<byte> content) =>
        content.StartsWith("JP"u8) && content.Length >= PieceHeader + BoxHeader && content.Slice(PieceHeader + 4, 4).SequenceEqual("jumb"u8);

    /// <summary>Whether a segment is a superbox's first piece, and that superbox a manifest store and nothing else that is kept in JUMBF.</summary>
    private static bool IsFirstPiece(ReadOnlySpan<byte> content)
    {
        if (!IsPiece(content) || BinaryPrimitives.ReadUInt32BigEndian(content[SequenceOffset..]) != 1)
        {
            return false;
        }

        int description = PieceHeader + (BinaryPrimitives.ReadUInt32BigEndian(content[PieceHeader..]) == 1 ? LongBoxHeader : BoxHeader);
        return content.Length >= description + BoxHeader + 4
            && content.Slice(description + 4, 4).SequenceEqual("jumd"u8)
            && content.Slice(description + BoxHeader, 4).SequenceEqual("c2pa"u8);
    }

    /// <summary>The next segment before the picture's data. False at the data, and where no segment stands or it is cut short.</summary>
    /// <param name="start">Of its content.</param>
    private static bool TryReadSegment(ReadOnlySpan<byte> file, ref int position, out byte marker, out int start, out int end)
    {
        marker = 0;
        start = end = 0;
        if (position >= file.Length || file[position] != 0xFF)
        {
            return false;
        }

        // Any number of FF may stand before a marker.
        while (position + 1 < file.Length && file[position + 1] == 0xFF)
        {
            position++;
        }

        if (position + (2 * SegmentOverhead) > file.Length)
        {
            return false;
        }

        marker = file[position + 1];
        start = position + (2 * SegmentOverhead);
        int length = BinaryPrimitives.ReadUInt16BigEndian(file[(position + SegmentOverhead)..]);
        end = position + SegmentOverhead + length;
        if (marker is 0 or StartOfScan or EndOfImage || length < SegmentOverhead || end > file.Length)
        {
            return false;
        }

        position = end;
        return true;
    }

    /// <param name="start">Of its length field.</param>
    /// <param name="end">Of its content, before its checksum.</param>
    private static bool TryReadChunk(ReadOnlySpan<byte> file, ref int position, out int start, out int end)
    {
        start = position;
        end = 0;
        if (position > file.Length - ChunkOverhead)
        {
            return false;
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(file[position..]);
        if (length > file.Length - position - ChunkOverhead || file.Slice(position + 4, 4).SequenceEqual("IEND"u8))
        {
            return false;
        }

        end = position + 8 + (int)length;
        position = end + 4;
        return true;
    }

    /// <param name="start">Of its name.</param>
    private static bool TryReadRiffChunk(ReadOnlySpan<byte> file, ref int position, out int start, out int end)
    {
        start = position;
        end = 0;
        if (position > file.Length - RiffChunkHeader)
        {
            return false;
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[(position + 4)..]);
        if (length > file.Length - position - RiffChunkHeader)
        {
            return false;
        }

        end = position + RiffChunkHeader + (int)length;

        // Content of an odd length is followed by a byte that belongs to nothing.
        position = (int)Math.Min(end + (long)(length & 1), file.Length);
        return true;
    }
}
