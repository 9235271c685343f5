using System.Buffers.Binary;
using LoupeGrpc.Engine;
using LoupeGrpc.Native;

namespace LoupeGrpc.Server.Inference;

/// <summary>The elements of an input tensor as pictures. Their bytes stay where they are.</summary>
internal static class ImageTensor
{
    /// <summary>Little-endian, before each element of BYTES.</summary>
    private const int PrefixLength = sizeof(uint);

    /// <summary>Elements as bytes, one behind the other.</summary>
    /// <exception cref="InferenceException"/>
    public static IReadOnlyList<FrameInput> ReadRaw(ImageShape shape, ReadOnlyMemory<byte> content) => shape.IsFiles ? OfFiles(shape, Split(content)) : OfPixels(shape, content);

    /// <exception cref="InferenceException"/>
    public static IReadOnlyList<FrameInput> OfFiles(ImageShape shape, IReadOnlyList<ReadOnlyMemory<byte>> files) => files.Count == shape.Count
        ? [.. files.Select(static file => new EncodedInput(file))]
        : throw Wrong($"{files.Count} elements for shape [{shape.Count}]");

    /// <exception cref="InferenceException"/>
    public static IReadOnlyList<FrameInput> OfPixels(ImageShape shape, ReadOnlyMemory<byte> pixels)
    {
        if (pixels.Length != shape.Count * shape.PictureBytes)
        {
            throw Wrong($"{pixels.Length} bytes for shape [{shape.Count},{shape.Height},{shape.Width},{ImageShape.Channels}], which has {shape.Count * shape.PictureBytes}");
        }

        var layout = new RawLayout(PixelFormat.Rgb24, shape.Width, shape.Height, [], YuvMatrix.Bt601, YuvRange.Limited);
        var length = (int)shape.PictureBytes;
        return [.. Enumerable.Range(0, shape.Count).Select(number => new RawInput(pixels.Slice(number * length, length), layout))];
    }

    private static List<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> content)
    {
        List<ReadOnlyMemory<byte>> elements = [];
        while (!content.IsEmpty)
        {
            if (content.Length < PrefixLength)
            {
                throw Wrong($"{content.Length} bytes at its end, where the length of an element takes {PrefixLength}");
            }

            var length = BinaryPrimitives.ReadUInt32LittleEndian(content.Span);
            content = content[PrefixLength..];
            if (length > content.Length)
            {
                throw Wrong($"an element of {length} bytes, and {content.Length} are left");
            }

            elements.Add(content[..(int)length]);
            content = content[(int)length..];
        }

        return elements;
    }

    private static InferenceException Wrong(string what) => InferenceException.Invalid($"inference input '{ImageShape.Name}' has {what}");
}
