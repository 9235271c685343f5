using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Contract;

/// <summary>What is read must be what the generated parser reads, and large pictures, and they alone, must lie in memory that is used again.</summary>
public sealed class RequestParserTests
{
    private static readonly ByteString _picture = ByteString.CopyFrom([.. Enumerable.Range(0, 200_000).Select(static i => (byte)(i * 7))]);
    private static readonly FrameFormat _format = new() { PixelFormat = PixelFormat.Nv12, Width = 640, Height = 480, Strides = { 640, 640 } };

    public static TheoryData<string> Messages => [.. _messages.Keys];

    private static readonly Dictionary<string, (byte[] Bytes, bool IsPooled)> _messages = new()
    {
        ["encoded"] = (Of(new Frame { FrameId = ulong.MaxValue, Encoded = new EncodedImage { Data = _picture } }), true),
        ["raw"] = (Of(new Frame { FrameId = 1, Raw = new RawImage { Format = _format, Data = _picture } }), true),
        ["everything else too"] = (
            Of(new Frame
            {
                FrameId = 5,
                CaptureTime = new Timestamp { Seconds = 1_790_000_000, Nanos = 5 },
                Deadline = new Duration { Nanos = 5_000_000 },
                Raw = new RawImage { Format = _format, Data = _picture },
            }),
            true),
        ["no frame id"] = (Of(new Frame { Encoded = new EncodedImage { Data = _picture } }), true),
        ["behind its picture"] = ([.. Field(2, [.. Field(4, Field(1, _picture.Span)), 8, 77])], true),
        ["fields of the future"] = (
            [.. Field(99, [1, 2, 3]), .. Field(2, [.. Field(50, [9]), .. Field(4, [.. Field(1, _picture.Span), .. Field(3, [7, 7])]), 0xF8, 0x3F, 1, 0x59, 1, 2, 3, 4, 5, 6, 7, 8, 0x5D, 1, 2, 3, 4])],
            true),
        ["a length that is longer than it need be"] = ([0x12, 0xC8, 0x9A, 0x8C, 0x00, .. Field(4, Field(1, _picture.Span))], true),
        ["the number of the picture as another type before it"] = ([.. Field(2, [.. Field(4, [0x08, 5, .. Field(1, _picture.Span)])])], true),
        ["small"] = (Of(new Frame { Encoded = new EncodedImage { Data = ByteString.CopyFrom(_picture.Span[..60_000]) } }), false),
        ["much else"] = ([.. Field(90, new byte[2000]), .. Of(new Frame { Encoded = new EncodedImage { Data = _picture } })], false),
        ["no picture"] = (new AnalyzeRequest { Open = new OpenSession { SessionName = new string('x', 90_000) } }.ToByteArray(), false),
        ["two pictures"] = ([.. Field(2, [.. Field(4, [.. Field(1, _picture.Span), .. Field(1, [1, 2])])])], false),
        ["two files"] = ([.. Field(2, [.. Field(4, Field(1, _picture.Span)), .. Field(4, [])])], false),
        ["a file, then pixels"] = ([.. Field(2, [.. Field(4, Field(1, _picture.Span)), .. Field(5, Field(2, [1]))])], false),
        ["pixels, then a file"] = ([.. Field(2, [.. Field(5, Field(2, [1])), .. Field(4, Field(1, _picture.Span))])], false),
        ["two frames"] = ([.. Field(2, Field(4, Field(1, _picture.Span))), .. Field(2, [8, 3])], false),
        ["a frame, then a control"] = ([.. Field(2, Field(4, Field(1, _picture.Span))), .. Field(3, [])], false),
        ["a control, then a frame"] = ([.. Field(3, []), .. Field(2, Field(4, Field(1, _picture.Span)))], true),
        ["a group of the past"] = ([.. Field(2, [0x33, 8, 1, 0x34, .. Field(4, Field(1, _picture.Span))])], false),
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_request_is_what_the_generated_parser_reads(string name)
    {
        var (bytes, isPooled) = _messages[name];

        foreach (var message in new[] { new ReadOnlySequence<byte>(bytes), InBlocks(bytes, 4096), InBlocks(bytes, 1) })
        {
            var request = RequestParser.ReadRequest(message);

            Assert.Equal(AnalyzeRequest.Parser.ParseFrom(bytes), request);
            Assert.Equal(isPooled, Return(request.Frame?.Encoded?.Data ?? request.Frame?.Raw?.Data));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_picture_by_itself_too(bool encoded)
    {
        var request = new AnalyzeImageRequest { Thresholds = new Thresholds { Low = 0.2f, High = 0.7f }, Model = "b", Explain = "en", Mask = new MaskSettings { Encoding = MaskEncoding.Png } };
        if (encoded)
        {
            request.Encoded = new EncodedImage { Data = _picture };
        }
        else
        {
            request.Raw = new RawImage { Format = _format, Data = _picture };
        }

        var read = RequestParser.ReadPicture(InBlocks(request.ToByteArray(), 4096));

        Assert.Equal(request, read);
        Assert.True(Return(encoded ? read.Encoded.Data : read.Raw.Data));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void What_is_cut_short_is_no_message(int missing)
    {
        var (bytes, _) = _messages["everything else too"];
        var cut = InBlocks(bytes[..^missing], 4096);

        Assert.Throws<InvalidProtocolBufferException>(() => RequestParser.ReadRequest(cut));
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void Mutants_are_read_or_refused_as_the_generated_parser_does(string name)
    {
        // Everything beside the picture, and its ends.
        var (bytes, _) = _messages[name];
        for (var at = 0; at < bytes.Length; at = at == 40 ? Math.Max(41, bytes.Length - 40) : at + 1)
        {
            foreach (var value in (byte[])[0, 1, 0x0A, 0x12, 0x22, 0x2A, 0x7F, 0x80, 0xFF, (byte)(bytes[at] + 1), (byte)(bytes[at] ^ 8)])
            {
                byte[] mutant = [.. bytes];
                mutant[at] = value;
                Assert.Equal(Try(() => AnalyzeRequest.Parser.ParseFrom(mutant)), Try(() => RequestParser.ReadRequest(InBlocks(mutant, 4096))));
            }
        }
    }

    private static AnalyzeRequest? Try(Func<AnalyzeRequest> read)
    {
        try
        {
            return read();
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <returns>Whether it lay in memory that is used again.</returns>
    private static bool Return(ByteString? data)
    {
        if (data is null)
        {
            return false;
        }

        var memory = data.Memory;
        PictureBytes.Release(memory);
        try
        {
            return memory.Span.Length < 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private static byte[] Of(Frame frame) => new AnalyzeRequest { Frame = frame }.ToByteArray();

    private static byte[] Field(int number, ReadOnlySpan<byte> content)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteLength(content.Length);
        }

        stream.Write(content);
        return stream.ToArray();
    }

    private static ReadOnlySequence<byte> InBlocks(byte[] bytes, int size)
    {
        var first = new Block(bytes.AsMemory(0, Math.Min(size, bytes.Length)), 0);
        var last = first;
        for (var at = size; at < bytes.Length; at += size)
        {
            last = last.Append(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Block : ReadOnlySequenceSegment<byte>
    {
        public Block(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Block Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Block(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
