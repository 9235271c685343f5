using System.Formats.Cbor;

namespace LoupeGrpc.Provenance;

/// <summary>A value of CBOR (RFC 8949) as far as claims and assertions have them: depth and number of values are bounded, tags are passed over.</summary>
internal sealed class CborNode
{
    private const int MostDepth = 32;
    private const int MostNodes = 50_000;

    private readonly IReadOnlyDictionary<string, CborNode>? _map;

    private CborNode(
        string? text = null, ReadOnlyMemory<byte>? bytes = null, ulong? number = null, IReadOnlyList<CborNode>? items = null, IReadOnlyDictionary<string, CborNode>? map = null)
    {
        Text = text;
        Bytes = bytes;
        Number = number;
        Items = items;
        _map = map;
    }

    public string? Text { get; }

    public ReadOnlyMemory<byte>? Bytes { get; }

    /// <summary>Of an integer that is not negative.</summary>
    public ulong? Number { get; }

    public IReadOnlyList<CborNode>? Items { get; }

    /// <summary>Of a map, by a key that is text; null where there is none.</summary>
    public CborNode? this[string key] => _map?.GetValueOrDefault(key);

    public bool IsMap => _map is not null;

    /// <param name="what">For messages.</param>
    /// <exception cref="CredentialsException">It is no CBOR, more than one value, or too much of it.</exception>
    public static CborNode Read(ReadOnlyMemory<byte> data, string what)
    {
        try
        {
            var reader = new CborReader(data, CborConformanceMode.Strict);
            int left = MostNodes;
            var node = Read(reader, MostDepth, ref left);
            return reader.BytesRemaining == 0 ? node : throw new CredentialsException($"{what} has bytes behind its end");
        }
        catch (Exception exception) when (exception is CborContentException or InvalidOperationException or OverflowException)
        {
            throw new CredentialsException($"{what} is not valid CBOR");
        }
    }

    private static CborNode Read(CborReader reader, int depth, ref int left)
    {
        if (depth == 0 || --left < 0)
        {
            throw new CredentialsException("CBOR is nested too deep, or has too many values");
        }

        switch (reader.PeekState())
        {
            case CborReaderState.UnsignedInteger:
                return new CborNode(number: reader.ReadUInt64());
            case CborReaderState.TextString or CborReaderState.StartIndefiniteLengthTextString:
                return new CborNode(text: reader.ReadTextString());
            case CborReaderState.ByteString:
                return new CborNode(bytes: reader.ReadDefiniteLengthByteString());
            case CborReaderState.StartIndefiniteLengthByteString:
                return new CborNode(bytes: reader.ReadByteString());
            case CborReaderState.Tag:
                reader.ReadTag();
                return Read(reader, depth - 1, ref left);
            case CborReaderState.StartArray:
                return ReadArray(reader, depth, ref left);
            case CborReaderState.StartMap:
                return ReadMap(reader, depth, ref left);
            default:
                reader.SkipValue();
                return new CborNode();
        }
    }

    private static CborNode ReadArray(CborReader reader, int depth, ref int left)
    {
        List<CborNode> items = [];
        reader.ReadStartArray();
        while (reader.PeekState() != CborReaderState.EndArray)
        {
            items.Add(Read(reader, depth - 1, ref left));
        }

        reader.ReadEndArray();
        return new CborNode(items: items);
    }

    private static CborNode ReadMap(CborReader reader, int depth, ref int left)
    {
        var map = new Dictionary<string, CborNode>(StringComparer.Ordinal);
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            var key = Read(reader, depth - 1, ref left);
            var value = Read(reader, depth - 1, ref left);
            if (key.Text is { } name && !map.TryAdd(name, value))
            {
                throw new CredentialsException("a map has a key twice");
            }
        }

        reader.ReadEndMap();
        return new CborNode(map: map);
    }
}
