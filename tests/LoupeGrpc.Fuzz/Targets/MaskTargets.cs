using System.Buffers.Binary;
using System.Text;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Native;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>Run lengths, by both programs that write and read them.</summary>
internal static class MaskTargets
{
    private const int HeaderBytes = 4;
    private const int MaxSide = 256;

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("rle-decode", Decode, typeof(NativeException))
        {
            Parsers = [typeof(CocoRleDecoder), typeof(RunLength)],
            Tokens = [.. new[] { "0", "1", "o", "oooo", "P", "Po", "_o1", "0000" }.Select(Encoding.ASCII.GetBytes)],
        },
        new("rle-encode", Encode) { Parsers = [typeof(RunLength)] },
    ];

    /// <summary>Height, width, counts. What the server reads the client must read too, and both the same pixels.</summary>
    private static void Decode(byte[] input)
    {
        if (Read(input) is not var (height, width, counts))
        {
            return;
        }

        var native = new byte[height * width];
        var nativeRefuses = false;
        try
        {
            RunLength.Decode(counts, height, width, native);
        }
        catch (NativeException exception) when (exception.Status == NativeStatus.Malformed)
        {
            nativeRefuses = true;
        }

        BinaryMask? mask = null;
        try
        {
            mask = CocoRleDecoder.Decode((uint)height, (uint)width, Encoding.Latin1.GetString(counts));
        }
        catch (InvalidDataException)
        {
            // Compared below.
        }

        // The client also reads numbers that are written longer than they need to be, which no server of ours does.
        if (nativeRefuses)
        {
            return;
        }

        if (mask is null || !mask.Pixels.AsSpan().SequenceEqual(native.Select(static pixel => pixel == 0 ? (byte)0 : BinaryMask.Forged).ToArray()))
        {
            throw new InvalidOperationException(mask is null ? "The client refuses counts that the server reads." : "The server and the client read different masks.");
        }

        RoundTrip(native, height, width);
        if (RunLength.Area(counts, height, width) != native.Count(static pixel => pixel != 0))
        {
            throw new InvalidOperationException("The area is not that of the mask.");
        }

        RunLength.BoundingBox(counts, height, width);
        var own = Encoding.ASCII.GetBytes(RunLength.Encode(native, width, height, width));
        if (!RunLength.Merge(counts, own, height, width, MaskOperation.Union).AsSpan().SequenceEqual(own) || (native.Contains((byte)1) && RunLength.Iou(counts, own, height, width) != 1))
        {
            throw new InvalidOperationException("A mask merged with itself is another one.");
        }
    }

    /// <summary>Height, width, pixels; what lacks is repeated.</summary>
    private static void Encode(byte[] input)
    {
        if (Read(input) is not var (height, width, pixels) || pixels.Length == 0)
        {
            return;
        }

        var mask = new byte[height * width];
        for (var i = 0; i < mask.Length; i++)
        {
            mask[i] = pixels[i % pixels.Length];
        }

        RoundTrip(mask, height, width);
    }

    private static void RoundTrip(byte[] mask, int height, int width)
    {
        var counts = RunLength.Encode(mask, width, height, width);
        var read = CocoRleDecoder.Decode((uint)height, (uint)width, counts);
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] != 0 != (read.Pixels[i] != 0))
            {
                throw new InvalidOperationException($"Pixel {i} of a mask of {width}x{height} is another one after it was encoded and decoded.");
            }
        }
    }

    private static (int Height, int Width, byte[] Content)? Read(byte[] input) => input.Length < HeaderBytes
        ? null
        : (1 + (BinaryPrimitives.ReadUInt16LittleEndian(input) % MaxSide), 1 + (BinaryPrimitives.ReadUInt16LittleEndian(input.AsSpan(2)) % MaxSide), input[HeaderBytes..]);
}
