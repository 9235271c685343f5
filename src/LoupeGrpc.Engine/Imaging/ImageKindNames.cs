namespace LoupeGrpc.Engine.Imaging;

internal static class ImageKindNames
{
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
