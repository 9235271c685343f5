using System.Buffers;
using Google.Protobuf;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>
/// Messages of the contract from their bytes, as the generated parsers read them, except that the bytes of a large picture go into memory that is used again
/// (<see cref="PictureBuffers"/>) and not into an array of their own. To that end the message without its picture, some dozens of bytes, is put together
/// and given to the generated parser. A message in which that is not simple is the generated parser's as a whole.
/// </summary>
internal static class RequestParser
{
    /// <summary>Of what is smaller an array of its own is young garbage, which costs next to nothing.</summary>
    public const int Large = 64 << 10;

    /// <summary>Most bytes of a message beside its picture.</summary>
    private const int MaxRest = 1 << 10;

    /// <summary>Most bytes of a length.</summary>
    private const int MaxVarint = 5;

    /// <summary>Frame, picture, bytes.</summary>
    private const int MostParts = 3;

    private const int LengthDelimited = 2;

    private static readonly Field[] _images = [new(Frame.EncodedFieldNumber, [new(EncodedImage.DataFieldNumber, [])]), new(Frame.RawFieldNumber, [new(RawImage.DataFieldNumber, [])])];
    private static readonly Field[] _request = [new(AnalyzeRequest.FrameFieldNumber, _images)];
    private static readonly Field[] _picture =
        [new(AnalyzeImageRequest.EncodedFieldNumber, _images[0].Fields), new(AnalyzeImageRequest.RawFieldNumber, _images[1].Fields)];

    /// <param name="large">Bytes from which on a picture is a large one, at least 1.</param>
    /// <exception cref="InvalidProtocolBufferException"/>
    public static AnalyzeRequest ReadRequest(in ReadOnlySequence<byte> message, int large = Large)
    {
        if (TakePicture(message, _request, large, AnalyzeRequest.Parser, out var request) is { } data)
        {
            Put(data, request.Frame?.Encoded, request.Frame?.Raw);
        }

        return request;
    }

    /// <inheritdoc cref="ReadRequest"/>
    public static AnalyzeImageRequest ReadPicture(in ReadOnlySequence<byte> message, int large = Large)
    {
        if (TakePicture(message, _picture, large, AnalyzeImageRequest.Parser, out var request) is { } data)
        {
            Put(data, request.Encoded, request.Raw);
        }

        return request;
    }

    /// <summary>At most one of the two is there: the last of a message counts, and it is whose picture was found, since a message with both is read as a whole.</summary>
    private static void Put(PictureBytes data, EncodedImage? encoded, RawImage? raw)
    {
        if (encoded is not null)
        {
            encoded.Data = UnsafeByteOperations.UnsafeWrap(data.Memory);
        }
        else if (raw is not null)
        {
            raw.Data = UnsafeByteOperations.UnsafeWrap(data.Memory);
        }
        else
        {
            // Something else followed in the place of the frame.
            data.Return();
        }
    }

    /// <param name="fields">Where pictures are.</param>
    /// <param name="request">Without its picture, if that is returned.</param>
    private static PictureBytes? TakePicture<T>(in ReadOnlySequence<byte> message, Field[] fields, int large, MessageParser<T> parser, out T request)
        where T : IMessage<T>
    {
        Span<Part> way = stackalloc Part[MostParts];
        if (message.Length < large || !TryFind(message, fields, way, out var depth) || way[depth - 1] is var picture && (picture.Length < large || message.Length - picture.Length > MaxRest))
        {
            request = parser.ParseFrom(message);
            return null;
        }

        Span<byte> rest = stackalloc byte[MaxRest];
        request = parser.ParseFrom(rest[..Write(message, way[..depth], rest)]);
        var data = PictureBuffers.Shared.Rent((int)picture.Length);
        message.Slice(picture.Start, picture.Length).CopyTo(data.GetSpan());
        return data;
    }

    /// <summary>Finds the one picture of a message. False: there is none, there are several, or it is for the generated parser to say what is wrong.</summary>
    /// <param name="way">Gets the fields from the outermost to the picture.</param>
    private static bool TryFind(in ReadOnlySequence<byte> message, Field[] fields, Span<Part> way, out int depth)
    {
        var (start, end) = (0L, message.Length);
        for (depth = 0; fields.Length > 0;)
        {
            if (!TryFindOne(message, start, end, fields, out var part, out fields))
            {
                return false;
            }

            way[depth++] = part;
            (start, end) = (part.Start, part.End);
        }

        return true;
    }

    private static bool TryFindOne(in ReadOnlySequence<byte> message, long start, long end, Field[] fields, out Part found, out Field[] inside)
    {
        (found, inside) = (default, []);
        var count = 0;
        var reader = new SequenceReader<byte>(message.Slice(start, end - start));
        while (!reader.End)
        {
            var tagAt = start + reader.Consumed;
            if (!TryReadVarint(ref reader, out var tag))
            {
                return false;
            }

            if ((tag & 7) == LengthDelimited)
            {
                var lengthAt = start + reader.Consumed;
                if (!TryReadVarint(ref reader, out var length) || length > reader.Remaining)
                {
                    return false;
                }

                if (Array.Find(fields, field => field.Number == tag >> 3) is { } field)
                {
                    var content = start + reader.Consumed;
                    (found, inside) = (new Part(tagAt, lengthAt, content, content + length), field.Fields);
                    count++;
                }

                reader.Advance(length);
            }
            else if (!TrySkip(ref reader, tag & 7))
            {
                return false;
            }
        }

        return count == 1;
    }

    private static bool TrySkip(ref SequenceReader<byte> reader, long wireType)
    {
        const int Varint = 0, Fixed64 = 1, Fixed32 = 5;
        switch (wireType)
        {
            case Varint:
                while (reader.TryRead(out var value))
                {
                    if (value < 0x80)
                    {
                        return true;
                    }
                }

                return false;
            case Fixed64 or Fixed32:
                var width = wireType == Fixed64 ? sizeof(ulong) : sizeof(uint);
                if (reader.Remaining < width)
                {
                    return false;
                }

                reader.Advance(width);
                return true;
            default:
                return false;
        }
    }

    /// <summary>False also where it is longer than it need be, or than a length can be.</summary>
    private static bool TryReadVarint(ref SequenceReader<byte> reader, out long value)
    {
        value = 0;
        for (var shift = 0; shift < 7 * MaxVarint && reader.TryRead(out var next); shift += 7)
        {
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value <= int.MaxValue;
            }
        }

        return false;
    }

    /// <summary>Writes a message without its innermost part.</summary>
    /// <returns>Bytes written.</returns>
    private static int Write(in ReadOnlySequence<byte> message, ReadOnlySpan<Part> way, Span<byte> rest)
    {
        // From the inside: what is left of each part. Of the innermost that is nothing, and it has no tag either.
        Span<int> lengths = stackalloc int[way.Length];
        for (var i = way.Length - 2; i >= 0; i--)
        {
            var inner = way[i + 1];
            var around = (int)(way[i].Length - (inner.End - inner.TagAt));
            lengths[i] = around + (i + 1 < way.Length - 1 ? (int)(inner.LengthAt - inner.TagAt) + CodedOutputStream.ComputeLengthSize(lengths[i + 1]) + lengths[i + 1] : 0);
        }

        var (count, at) = (0, 0L);
        for (var i = 0; i < way.Length - 1; i++)
        {
            Copy(message, at, way[i].LengthAt, rest, ref count);
            count += WriteVarint(rest[count..], lengths[i]);
            at = way[i].Start;
        }

        Copy(message, at, way[^1].TagAt, rest, ref count);
        for (var i = way.Length - 1; i >= 0; i--)
        {
            Copy(message, way[i].End, i == 0 ? message.Length : way[i - 1].End, rest, ref count);
        }

        return count;
    }

    private static void Copy(in ReadOnlySequence<byte> message, long start, long end, Span<byte> rest, ref int count)
    {
        message.Slice(start, end - start).CopyTo(rest[count..]);
        count += (int)(end - start);
    }

    private static int WriteVarint(Span<byte> bytes, int value)
    {
        var count = 0;
        for (; value >= 0x80; value >>= 7)
        {
            bytes[count++] = (byte)(value | 0x80);
        }

        bytes[count++] = (byte)value;
        return count;
    }

    /// <summary>A field on the way to a picture.</summary>
    /// <param name="Fields">Of the message in it; of a picture none.</param>
    private sealed record Field(int Number, Field[] Fields);

    /// <summary>Where a field lies in a message.</summary>
    private readonly record struct Part(long TagAt, long LengthAt, long Start, long End)
    {
        public long Length => End - Start;
    }
}
