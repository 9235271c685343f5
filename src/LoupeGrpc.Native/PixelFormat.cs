namespace LoupeGrpc.Native;

/// <summary>
/// Bytes of a pixel in memory order. The 4:2:0 formats and YUYV accept odd sizes: chroma is stored for half of each side,
/// rounded up, and the surplus is ignored.
/// </summary>
public enum PixelFormat
{
    /// <summary>One plane: B, G, R.</summary>
    Bgr24 = 0,

    /// <summary>One plane: R, G, B.</summary>
    Rgb24 = 1,

    /// <summary>One plane: B, G, R, A. Alpha is dropped; colour is taken as stored, not premultiplied.</summary>
    Bgra32 = 2,

    /// <summary>One plane of full-range luminance.</summary>
    Gray8 = 3,

    /// <summary>Two planes: Y, then U and V interleaved at half size.</summary>
    Nv12 = 4,

    /// <summary>Three planes: Y, U, V, the chroma at half size.</summary>
    I420 = 5,

    /// <summary>One plane: Y0, U, Y1, V for two pixels.</summary>
    Yuyv = 6,
}

/// <summary>Which standard's luma and chroma a YUV picture holds. Formats that are not YUV ignore it.</summary>
public enum YuvMatrix
{
    /// <summary>Standard definition; with <see cref="YuvRange.Limited"/> the same bytes as OpenCV's <c>cvtColor</c>.</summary>
    Bt601 = 0,

    /// <summary>High definition.</summary>
    Bt709 = 1,
}

/// <summary>The values that black and white have in a YUV picture. Formats that are not YUV ignore it.</summary>
public enum YuvRange
{
    /// <summary>Luma 16 to 235, chroma 16 to 240.</summary>
    Limited = 0,

    /// <summary>0 to 255.</summary>
    Full = 1,
}
