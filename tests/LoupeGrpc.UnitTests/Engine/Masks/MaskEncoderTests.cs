using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Native;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Masks;

public sealed class MaskEncoderTests
{
    private const int Width = 7;
    private const int Height = 5;

    // Longer than the picture, as rented buffers are.
    private readonly byte[] _mask = [.. Enumerable.Range(0, 64).Select(static i => (byte)(i % 3 == 0 ? 1 : 0))];
    private readonly float[] _soft = [.. Enumerable.Range(0, 64).Select(static i => i * 0.05f)];

    [Fact]
    public void Runs_decode_to_the_mask()
    {
        byte[] counts = Encode(MaskEncoding.Rle)!;
        byte[] decoded = new byte[Width * Height];
        RunLength.Decode(counts, Height, Width, decoded);

        Assert.Equal(_mask[..decoded.Length], decoded);
    }

    [Fact]
    public void Png_is_255_where_forged()
    {
        using var png = Cv2.ImDecode(Encode(MaskEncoding.Png)!, ImreadModes.Unchanged);

        Assert.Equal((MatType.CV_8UC1, Width, Height), (png.Type(), png.Width, png.Height));
        Assert.Equal(_mask.Take(Width * Height).Select(static value => (byte)(value * 255)), png.AsSpan<byte>().ToArray());
    }

    [Fact]
    public void Soft_png_is_rounded_and_saturates()
    {
        using var png = Cv2.ImDecode(Encode(MaskEncoding.SoftPng)!, ImreadModes.Unchanged);

        Assert.Equal(
            _soft.Take(Width * Height).Select(static value => (byte)MathF.Round(255 * MathF.Min(1, value))), png.AsSpan<byte>().ToArray());
    }

    [Theory]
    [InlineData(MaskEncoding.Rle)]
    [InlineData(MaskEncoding.Png)]
    [InlineData(MaskEncoding.SoftPng)]
    public void A_budget_of_just_enough_bytes_keeps_the_mask_and_one_less_leaves_it_out(MaskEncoding encoding)
    {
        int length = Encode(encoding)!.Length;

        Assert.Equal(length, Encode(encoding, length)?.Length);
        Assert.Null(Encode(encoding, length - 1));
    }

    [Fact]
    public void Runs_longer_than_the_first_guess_are_whole()
    {
        // Every pixel starts a run.
        byte[] mask = [.. Enumerable.Range(0, 300 * 300).Select(static i => (byte)(i / 300 % 2))];
        using var mat = Mat.FromPixelData(300, 300, MatType.CV_8UC1, mask);
        using var none = new Mat();
        byte[] counts = MaskEncoder.Encode(MaskEncoding.Rle, mat, none, int.MaxValue)!;

        Assert.True(counts.Length > 20_000);
        Assert.Equal(300 * 150, RunLength.Area(counts, 300, 300));
        Assert.Null(MaskEncoder.Encode(MaskEncoding.Rle, mat, none, counts.Length - 1));
    }

    private byte[]? Encode(MaskEncoding encoding, int maxBytes = int.MaxValue)
    {
        using var mask = Mat.FromPixelData(Height, Width, MatType.CV_8UC1, _mask);
        using var soft = Mat.FromPixelData(Height, Width, MatType.CV_32FC1, _soft);
        return MaskEncoder.Encode(encoding, mask, soft, maxBytes);
    }
}
