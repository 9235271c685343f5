using System.Buffers;
using System.Text;
using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>What <see cref="RunLength.Merge"/> keeps.</summary>
public enum MaskOperation
{
    Union = 0,
    Intersection = 1,
}

/// <summary>A rectangle of pixels; all 0 around an empty mask.</summary>
public readonly record struct PixelBox(int X, int Y, int Width, int Height);

/// <summary>
/// COCO's compressed run-length counts, byte for byte as pycocotools writes them: ASCII, runs along columns, the first of
/// zeros. Masks have 1 to <see cref="PixelLayout.MaxSide"/> pixels a side and at most 2^31 - 1 in all. Safe from any thread.
/// </summary>
/// <remarks>
/// Every method that reads counts throws <see cref="NativeException"/> with <see cref="NativeStatus.Malformed"/> where they
/// do not describe a mask of exactly the stated size.
/// </remarks>
public static class RunLength
{
    // More than most masks take; those that do not fit tell their size and are encoded once more.
    private const int FirstGuess = 4096;

    /// <summary>Writes counts without allocating.</summary>
    /// <param name="mask">Row-major; any value but 0 is forged.</param>
    /// <param name="stride">Bytes from one row to the next, at least <paramref name="width"/>.</param>
    /// <param name="written">The length of the counts, also when they do not fit.</param>
    /// <returns>False where <paramref name="destination"/> is too short; its content is then undefined.</returns>
    /// <exception cref="NativeException">The mask is shorter than its size and stride say.</exception>
    public static unsafe bool TryEncode(
        ReadOnlySpan<byte> mask, int width, int height, int stride, Span<byte> destination, out int written)
    {
        fixed (byte* maskPointer = mask, output = destination)
        {
            long size;
            var status = NativeMethods.loupe_rle_encode(
                maskPointer, mask.Length, stride, width, height, output, destination.Length, &size);
            return IsComplete(status, size, out written);
        }
    }

    /// <inheritdoc cref="TryEncode"/>
    /// <returns>The number of bytes written.</returns>
    public static int Encode(ReadOnlySpan<byte> mask, int width, int height, int stride, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!TryEncode(mask, width, height, stride, destination.GetSpan(FirstGuess), out var written))
        {
            TryEncode(mask, width, height, stride, destination.GetSpan(written), out written);
        }

        destination.Advance(written);
        return written;
    }

    /// <inheritdoc cref="TryEncode"/>
    /// <returns>The counts.</returns>
    public static string Encode(ReadOnlySpan<byte> mask, int width, int height, int stride)
    {
        Span<byte> guess = stackalloc byte[FirstGuess];
        if (TryEncode(mask, width, height, stride, guess, out var written))
        {
            return Encoding.ASCII.GetString(guess[..written]);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(written);
        try
        {
            TryEncode(mask, width, height, stride, buffer, out written);
            return Encoding.ASCII.GetString(buffer, 0, written);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <param name="mask">[height, width], written with 0 and 1; untouched where the counts are malformed.</param>
    public static unsafe void Decode(ReadOnlySpan<byte> counts, int height, int width, Span<byte> mask)
    {
        fixed (byte* countsPointer = counts, output = mask)
        {
            NativeException.ThrowIfFailed(NativeMethods.loupe_rle_decode(
                new NativeCounts(countsPointer, counts.Length), width, height, output, mask.Length, width));
        }
    }

    /// <summary>The number of forged pixels.</summary>
    public static unsafe long Area(ReadOnlySpan<byte> counts, int height, int width)
    {
        fixed (byte* countsPointer = counts)
        {
            long area;
            NativeException.ThrowIfFailed(NativeMethods.loupe_rle_area(
                new NativeCounts(countsPointer, counts.Length), width, height, &area));
            return area;
        }
    }

    /// <summary>The smallest rectangle around all forged pixels.</summary>
    public static unsafe PixelBox BoundingBox(ReadOnlySpan<byte> counts, int height, int width)
    {
        fixed (byte* countsPointer = counts)
        {
            var box = stackalloc int[4];
            NativeException.ThrowIfFailed(NativeMethods.loupe_rle_bounding_box(
                new NativeCounts(countsPointer, counts.Length), width, height, box));
            return new PixelBox(box[0], box[1], box[2], box[3]);
        }
    }

    /// <summary>Combines two masks of one size.</summary>
    /// <returns>The counts of the result.</returns>
    public static byte[] Merge(
        ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, int height, int width, MaskOperation operation)
    {
        // A merge has no more runs than its operands together, but a run may take more characters than theirs did.
        var guess = new byte[first.Length + second.Length];
        if (TryMerge(first, second, height, width, operation, guess, out var written))
        {
            return guess[..written];
        }

        var counts = new byte[written];
        TryMerge(first, second, height, width, operation, counts, out _);
        return counts;
    }

    /// <summary>Intersection over union of two masks of one size; 0 when both are empty, as pycocotools has it.</summary>
    public static unsafe double Iou(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, int height, int width)
    {
        fixed (byte* firstPointer = first, secondPointer = second)
        {
            double iou;
            NativeException.ThrowIfFailed(NativeMethods.loupe_rle_iou(
                new NativeCounts(firstPointer, first.Length), new NativeCounts(secondPointer, second.Length), width, height, &iou));
            return iou;
        }
    }

    private static unsafe bool TryMerge(
        ReadOnlySpan<byte> first,
        ReadOnlySpan<byte> second,
        int height,
        int width,
        MaskOperation operation,
        Span<byte> destination,
        out int written)
    {
        fixed (byte* firstPointer = first, secondPointer = second, output = destination)
        {
            long size;
            var status = NativeMethods.loupe_rle_merge(
                new NativeCounts(firstPointer, first.Length),
                new NativeCounts(secondPointer, second.Length),
                width,
                height,
                (int)operation,
                output,
                destination.Length,
                &size);
            return IsComplete(status, size, out written);
        }
    }

    private static bool IsComplete(NativeStatus status, long size, out int written)
    {
        if (status == NativeStatus.BufferTooSmall)
        {
            written = checked((int)size);
            return false;
        }

        NativeException.ThrowIfFailed(status);
        written = (int)size;
        return true;
    }
}
