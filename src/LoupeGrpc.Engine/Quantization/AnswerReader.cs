using LoupeGrpc.Native;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Quantization;

/// <summary>From logits to what users see. Not thread-safe.</summary>
internal sealed class AnswerReader(ModelManifest manifest) : IDisposable
{
    private readonly MaskDecoder _decoder = new(manifest.MaskDecode.Size);

    /// <param name="maskLogits">[Q,4g,4g].</param>
    /// <param name="classLogits">[Q,2].</param>
    /// <exception cref="ModelLoadException">They are not finite.</exception>
    public PictureAnswer Read(float score, ReadOnlySpan<float> maskLogits, ReadOnlySpan<float> classLogits)
    {
        int size = manifest.MaskDecode.Size;
        var mask = new byte[size * size];
        try
        {
            _decoder.Decode(maskLogits, classLogits, manifest.Queries, manifest.MaskGrid, manifest.MaskGrid, size, size, manifest.MaskDecode.Threshold, mask);
        }
        catch (NativeException exception) when (exception.Status == NativeStatus.NotFinite)
        {
            throw new ModelLoadException("The model's mask logits are not finite on one of the pictures that ranges are measured on.", exception);
        }

        return new PictureAnswer(score, mask);
    }

    public void Dispose() => _decoder.Dispose();
}
