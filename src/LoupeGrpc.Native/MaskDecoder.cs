using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>
/// Turns a segmentor's logits into a mask of the picture's size in one pass: every query is resized to the decode size,
/// made a probability, weighted by the probability that the query is a forgery, summed, resized to the picture and compared
/// with the threshold. No map of the picture's or the decode size exists per query.
/// </summary>
/// <remarks>As <see cref="Preprocessor"/>: one call at a time, from any thread, with a workspace that is reused.</remarks>
public sealed class MaskDecoder : IDisposable
{
    /// <summary>The side at which Loupe combines its queries, whatever the model's image size.</summary>
    public const int DefaultDecodeSize = 384;

    private readonly MaskDecoderHandle _handle;

    /// <param name="decodeSize">1 to 4096.</param>
    /// <exception cref="NativeException">The size is out of its range.</exception>
    public MaskDecoder(int decodeSize = DefaultDecodeSize)
    {
        NativeException.ThrowIfFailed(NativeMethods.loupe_mask_decoder_create(decodeSize, out _handle));
    }

    /// <param name="maskLogits">[queries, gridHeight, gridWidth]; finite.</param>
    /// <param name="classLogits">[queries, 2], 0 forged and 1 nothing; finite.</param>
    /// <param name="queries">1 to 4096, as is each side of the grid.</param>
    /// <param name="width">Of the picture in pixels, 1 to <see cref="PixelLayout.MaxSide"/>; so is the height.</param>
    /// <param name="threshold">Of the soft value, exclusive. Soft values may exceed 1.</param>
    /// <param name="mask">[height, width]: 1 forged, 0 not.</param>
    /// <param name="soft">[height, width], or empty where the soft map is not wanted.</param>
    /// <param name="softWithinMask">The soft map counts only where the mask is 1: quicker, and what it holds elsewhere is not said.</param>
    /// <returns>The number of forged pixels.</returns>
    /// <exception cref="ArgumentException">The length of a span is not the product of its dimensions.</exception>
    /// <exception cref="NativeException">
    /// <see cref="NativeStatus.NotFinite"/> for logits that are infinite or NaN, <see cref="NativeStatus.InvalidArgument"/>
    /// for a dimension out of its range.
    /// </exception>
    public unsafe long Decode(
        ReadOnlySpan<float> maskLogits,
        ReadOnlySpan<float> classLogits,
        int queries,
        int gridHeight,
        int gridWidth,
        int width,
        int height,
        float threshold,
        Span<byte> mask,
        Span<float> soft = default,
        bool softWithinMask = false)
    {
        RequireLength(maskLogits.Length, (long)queries * gridHeight * gridWidth, nameof(maskLogits));
        RequireLength(classLogits.Length, (long)queries * 2, nameof(classLogits));
        RequireLength(mask.Length, (long)width * height, nameof(mask));
        if (!soft.IsEmpty)
        {
            RequireLength(soft.Length, (long)width * height, nameof(soft));
        }

        fixed (float* maskLogitsPointer = maskLogits, classLogitsPointer = classLogits, softPointer = soft)
        fixed (byte* maskPointer = mask)
        {
            var request = new NativeMaskRequest
            {
                StructSize = (uint)sizeof(NativeMaskRequest),
                Queries = queries,
                GridWidth = gridWidth,
                GridHeight = gridHeight,
                Width = width,
                Height = height,
                Threshold = threshold,
                SoftExtent = softWithinMask ? 1 : 0,
                MaskLogits = maskLogitsPointer,
                ClassLogits = classLogitsPointer,
                Mask = maskPointer,
                MaskStrideBytes = width,
                Soft = softPointer,
                SoftStrideElements = width,
            };
            long area;
            NativeException.ThrowIfFailed(NativeMethods.loupe_mask_decode(_handle, &request, &area));
            return area;
        }
    }

    public void Dispose() => _handle.Dispose();

    private static void RequireLength(int length, long needed, string name)
    {
        if (length != needed)
        {
            throw new ArgumentException($"{name} has {length} elements, its dimensions say {needed}.", name);
        }
    }
}
