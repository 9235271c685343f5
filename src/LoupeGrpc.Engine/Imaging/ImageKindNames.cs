using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

internal static class ImageKindNames
{
    private static readonly Lazy<string> OpenCvName = new(static () => $"OpenCV {Cv2.GetVersionString()}");

    /// <summary>What decodes it. libheif is the system's, and its version not known here.</summary>
    public static string DecoderName(this ImageKind kind) => kind is ImageKind.Heic or ImageKind.Avif ? "libheif" : OpenCvName.Value;

    public static string Name(this ImageKind kind) => kind switch
    {
        ImageKind.Jpeg => "JPEG",
        ImageKind.Png => "PNG",
        ImageKind.WebP => "WebP",
        ImageKind.Bmp => "BMP",
        ImageKind.Tiff => "TIFF",
        ImageKind.Heic => "HEIC",
        ImageKind.Avif => "AVIF",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
