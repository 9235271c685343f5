namespace LoupeGrpc.Engine.Imaging;

/// <summary>Values of the TIFF tag Compression, those that are decoded here and those that can be named.</summary>
internal static class TiffCompression
{
    public const uint None = 1;
    public const uint Jpeg = 7;

    /// <summary>What OpenCV's libtiff is built with.</summary>
    public static bool IsDecoded(uint compression) => compression is
        None
        or 2 or 3 or 4 or 32771 // CCITT
        or 5 // LZW
        or 6 or Jpeg
        or 8 or 32946 // Deflate
        or 32773 // PackBits
        or 34925; // LZMA

    public static string NameOf(uint compression) => compression switch
    {
        32766 => "NeXT RLE",
        32809 => "ThunderScan",
        32908 or 32909 => "Pixar's compression",
        34661 => "JBIG",
        34676 or 34677 => "SGI LogLuv",
        34712 or 33003 or 33004 or 33005 => "JPEG 2000",
        34887 => "LERC",
        34892 => "lossy JPEG of DNG",
        50000 or 34926 => "zstd",
        50001 or 34927 => "WebP",
        50002 or 52546 => "JPEG XL",
        _ => $"compression {compression}",
    };
}
