using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>
/// Turns pictures into the model's input: RGB, resized to S x S as Pillow's BILINEAR does (byte for byte, the ratio of the
/// sides is not kept), normalised. Keeps a workspace that grows to the widest picture seen and is then reused.
/// </summary>
/// <remarks>
/// One call at a time: a second one while another runs throws <see cref="NativeException"/> with
/// <see cref="NativeStatus.Busy"/>. Calls may come from different threads. Native code allocates nothing managed.
/// </remarks>
public sealed class Preprocessor : IDisposable
{
    private readonly PreprocessorHandle _handle;

    /// <summary>Normalisation with mean and standard deviation 0.5 in each channel, Loupe's own.</summary>
    /// <param name="imageSize">S, 1 to 16384.</param>
    public Preprocessor(int imageSize)
        : this(imageSize, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f])
    {
    }

    /// <param name="imageSize">S, 1 to 16384.</param>
    /// <param name="mean">R, G, B, of values in 0 to 1; finite.</param>
    /// <param name="std">R, G, B; finite, not 0.</param>
    /// <exception cref="NativeException">A value is out of its range.</exception>
    public unsafe Preprocessor(int imageSize, ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(mean.Length, 3, nameof(mean));
        ArgumentOutOfRangeException.ThrowIfNotEqual(std.Length, 3, nameof(std));

        var options = new NativePreprocessorOptions
        {
            StructSize = (uint)sizeof(NativePreprocessorOptions),
            ImageSize = imageSize,
        };
        mean.CopyTo(new Span<float>(options.Mean, 3));
        std.CopyTo(new Span<float>(options.Std, 3));
        NativeException.ThrowIfFailed(NativeMethods.loupe_preprocessor_create(&options, out _handle));
        ImageSize = imageSize;
    }

    /// <summary>S, the side of the model's input in pixels.</summary>
    public int ImageSize { get; }

    /// <param name="destination">[3, S, S], R first; at least 3 * S * S elements, the rest is left alone.</param>
    /// <exception cref="NativeException">The picture fails <see cref="PixelLayout.TryValidate"/>, or the destination is too short.</exception>
    public unsafe void ToNchw(in PixelSource source, Span<float> destination)
    {
        fixed (byte* plane0 = source.Plane0, plane1 = source.Plane1, plane2 = source.Plane2)
        fixed (float* output = destination)
        {
            var image = NativeImage.From(source, plane0, plane1, plane2);
            NativeException.ThrowIfFailed(
                NativeMethods.loupe_preprocess_to_nchw(_handle, &image, output, destination.Length));
        }
    }

    /// <summary>The same before normalisation.</summary>
    /// <inheritdoc cref="ToNchw"/>
    public unsafe void ToChwBytes(in PixelSource source, Span<byte> destination)
    {
        fixed (byte* plane0 = source.Plane0, plane1 = source.Plane1, plane2 = source.Plane2)
        fixed (byte* output = destination)
        {
            var image = NativeImage.From(source, plane0, plane1, plane2);
            NativeException.ThrowIfFailed(
                NativeMethods.loupe_preprocess_to_chw(_handle, &image, output, destination.Length));
        }
    }

    public void Dispose() => _handle.Dispose();
}
