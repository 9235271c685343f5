using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;

namespace LoupeGrpc.Engine;

/// <summary>A picture to analyse. The bytes must stay unchanged until the analysis is answered.</summary>
/// <param name="Data">The file or the pixels. The SHA-256 of the result is taken over them.</param>
public abstract record FrameInput(ReadOnlyMemory<byte> Data)
{
    /// <summary>Above it a frame keeps a worker busy for the time of many others: 32 megapixels.</summary>
    private const long HeavyPixels = 32_000_000;

    /// <summary>Whether it takes a worker that decodes, and one that makes masks, for long, as its header tells; false where there is none that can be read.</summary>
    public bool IsHeavy() => CountPixels() > HeavyPixels;

    /// <summary>As its header tells; 0 where there is none that can be read.</summary>
    public long CountPixels() => FrameInspector.CountPixels(this);
}

/// <summary>The bytes of a picture file.</summary>
public sealed record EncodedInput(ReadOnlyMemory<byte> Data) : FrameInput(Data)
{
    private SniffResult? _header;

    /// <summary>What the file says about itself, read once: who schedules a frame asks before who analyses it.</summary>
    internal SniffResult Header => _header ??= ImageSniffer.Sniff(Data.Span);
}

/// <summary>Uncompressed pixels, planes one behind the other.</summary>
public sealed record RawInput(ReadOnlyMemory<byte> Data, RawLayout Layout) : FrameInput(Data);

/// <summary>How raw pixels lie in memory.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Strides">Bytes from row to row, one number a plane; empty means rows without padding.</param>
public sealed record RawLayout(PixelFormat Format, int Width, int Height, IReadOnlyList<int> Strides, YuvMatrix Matrix, YuvRange Range);
