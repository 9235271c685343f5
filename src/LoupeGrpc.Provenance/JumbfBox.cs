using System.Buffers.Binary;

namespace LoupeGrpc.Provenance;

/// <summary>A box of ISO/IEC 19566-5 (JUMBF): a length, a type of four letters, and content.</summary>
/// <param name="Type">Four letters as a big-endian number.</param>
internal readonly record struct JumbfBox(uint Type, ReadOnlyMemory<byte> Content)
{
    public const uint Superbox = 0x6A75_6D62; // jumb
    public const uint Description = 0x6A75_6D64; // jumd
    public const uint Cbor = 0x6362_6F72; // cbor
    public const uint Json = 0x6A73_6F6E; // json
    public const uint Brotli = 0x6272_6F62; // brob

    private const int HeaderLength = 8;
    private const int LongHeaderLength = 16;

    /// <summary>The box at a position, which moves behind it.</summary>
    /// <exception cref="CredentialsException">It is cut short, or shorter than its own header.</exception>
    public static JumbfBox Read(ReadOnlyMemory<byte> data, ref int position)
    {
        var span = data.Span[position..];
        if (span.Length < HeaderLength)
        {
            throw new CredentialsException("a box is cut short");
        }

        ulong length = BinaryPrimitives.ReadUInt32BigEndian(span);
        uint type = BinaryPrimitives.ReadUInt32BigEndian(span[4..]);
        int header = HeaderLength;
        if (length == 1)
        {
            if (span.Length < LongHeaderLength)
            {
                throw new CredentialsException("a box is cut short");
            }

            length = BinaryPrimitives.ReadUInt64BigEndian(span[HeaderLength..]);
            header = LongHeaderLength;
        }
        else if (length == 0)
        {
            // The last one may leave it open.
            length = (ulong)span.Length;
        }

        if (length < (ulong)header || length > (ulong)span.Length)
        {
            throw new CredentialsException($"a box claims {length} bytes where {span.Length} are left");
        }

        var content = data.Slice(position + header, (int)length - header);
        position += (int)length;
        return new JumbfBox(type, content);
    }
}
