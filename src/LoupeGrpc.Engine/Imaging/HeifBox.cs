using System.Buffers.Binary;
using System.Text;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Boxes of ISO/IEC 14496-12, one behind the other: a length, a name, the content.</summary>
internal static class HeifBox
{
    private const int HeaderLength = 8;
    private const int MostBoxes = 4096;
    private const int MostReferences = 65_536;

    /// <summary>The content of the first box of a name.</summary>
    public static bool TryFind(ReadOnlySpan<byte> boxes, ReadOnlySpan<byte> wanted, out ReadOnlySpan<byte> content)
    {
        for (int i = 0; i < MostBoxes && TryNext(ref boxes, out var name, out content); i++)
        {
            if (name.SequenceEqual(wanted))
            {
                return true;
            }
        }

        content = default;
        return false;
    }

    /// <param name="index">From 1.</param>
    public static bool TryGet(ReadOnlySpan<byte> boxes, int index, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> content)
    {
        name = default;
        content = default;
        for (int i = 0; i < index; i++)
        {
            if (!TryNext(ref boxes, out name, out content))
            {
                return false;
            }
        }

        return index > 0;
    }

    /// <summary>An item's number of two or four bytes.</summary>
    public static bool TryReadId(ReadOnlySpan<byte> data, bool isLong, out uint id, out ReadOnlySpan<byte> rest)
    {
        int length = isLong ? sizeof(uint) : sizeof(ushort);
        if (data.Length < length)
        {
            id = 0;
            rest = default;
            return false;
        }

        id = isLong ? BinaryPrimitives.ReadUInt32BigEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);
        rest = data[length..];
        return true;
    }

    /// <summary>Of a box <c>iref</c>: what kind, from which item, to which.</summary>
    public static List<(string Kind, uint From, uint To)> References(ReadOnlySpan<byte> references)
    {
        List<(string Kind, uint From, uint To)> all = [];
        if (references.Length < 4)
        {
            return all;
        }

        bool isLong = references[0] > 0;
        var boxes = references[4..];
        while (all.Count < MostReferences && TryNext(ref boxes, out var name, out var content))
        {
            if (!TryReadId(content, isLong, out uint from, out var rest) || rest.Length < 2)
            {
                break;
            }

            string kind = Encoding.ASCII.GetString(name);
            int count = BinaryPrimitives.ReadUInt16BigEndian(rest);
            rest = rest[2..];
            for (int i = 0; i < count && TryReadId(rest, isLong, out uint to, out rest); i++)
            {
                all.Add((kind, from, to));
            }
        }

        return all;
    }

    private static bool TryNext(scoped ref ReadOnlySpan<byte> boxes, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> content)
    {
        name = default;
        content = default;
        if (boxes.Length < HeaderLength)
        {
            return false;
        }

        long length = BinaryPrimitives.ReadUInt32BigEndian(boxes);
        int header = HeaderLength;
        if (length == 1 && boxes.Length >= HeaderLength + sizeof(ulong))
        {
            length = (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(boxes[HeaderLength..]), long.MaxValue);
            header += sizeof(ulong);
        }
        else if (length == 0)
        {
            // The last box, up to the end.
            length = boxes.Length;
        }

        if (length < header)
        {
            return false;
        }

        name = boxes.Slice(4, 4);
        int end = (int)Math.Min(length, boxes.Length);
        content = boxes[header..end];
        boxes = boxes[end..];
        return true;
    }
}
