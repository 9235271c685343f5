using System.Text;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>What is read of a picture before its pixels are.</summary>
internal static class PictureTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("picture-headers", Sniff)
        {
            Parsers = [typeof(ImageSniffer), typeof(JpegHeaderReader), typeof(PngHeaderReader), typeof(WebPHeaderReader), typeof(BmpHeaderReader), typeof(ForeignFormats), typeof(JpegFrame), typeof(JpegQuality), typeof(JpegTable), typeof(JpegTableFacts), typeof(JpegScans), typeof(JpegSegments), typeof(PngInflation), typeof(PngRows), typeof(DecodableBytes)],
            Tokens =
            [
                .. Words("IHDR", "IDAT", "IEND", "PLTE", "tRNS", "acTL", "eXIf", "RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "ANIM", "ANMF", "EXIF", "BM", "Exif\0\0II*\0", "Exif\0\0MM\0*", "MPF\0", "Adobe", "ftypheic", "ftypavif"),
                [0xFF, 0xD8, 0xFF], [0xFF, 0xC0, 0, 17, 8], [0xFF, 0xC2], [0xFF, 0xDA], [0xFF, 0xD9], [0xFF, 0xE1], [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10],
            ],
            MaxLength = 16384,
        },
        new("tiff", Sniff)
        {
            Parsers = [typeof(TiffHeaderReader), typeof(TiffDirectory), typeof(TiffPages), typeof(TiffTiling)],
            Tokens =
            [
                .. Words("II*\0", "MM\0*", "II+\0"),
                .. ((ushort[])[254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 317, 322, 323, 324, 325, 330, 338, 339]).SelectMany(static tag => ((ushort[])[3, 4]).Select(type =>
                    (byte[])[(byte)tag, (byte)(tag >> 8), (byte)type, 0, 1, 0, 0, 0])),
            ],
            MaxLength = 16384,
        },
        new("heif", Sniff)
        {
            Parsers = [typeof(HeifFiles), typeof(HeifBox)],
            Tokens = Words("ftypheic", "ftypavif", "ftypmif1", "meta", "pitm", "iinf", "infe", "iprp", "ipco", "ipma", "ispe", "irot", "imir", "iref", "thmb", "auxl", "dimg", "hvc1", "av01", "grid", "\u0001\0\0\0\0\0\0\0", "\0\0\0\u0001"),
        },
    ];

    private static void Sniff(byte[] input)
    {
        var sniffed = ImageSniffer.Sniff(input);
        if (sniffed.Failure is null && sniffed.Header is { Width: < 1 } or { Height: < 1 } or { Frames: < 1 } or { Scans: < 1 } or { CodedSamples: < 0 } or { Orientation: < 1 or > 8 })
        {
            throw new InvalidOperationException($"A header that cannot be: {sniffed.Header}.");
        }

        if (FrameInspector.Inspect(new EncodedInput(input), new EngineLimits(), out _) is not null || sniffed.Header.Defect is not null)
        {
            return;
        }

        // What a decoder is given instead of the file, in exactly the room that it says it needs.
        var decodable = new byte[input.Length];
        if (DecodableBytes.Write(input, sniffed.Header, decodable, out var length) is null && sniffed.Header.Kind == ImageKind.Png)
        {
            PngInflation.Fits(decodable.AsSpan(0, length));
        }
    }

    private static byte[][] Words(params string[] words) => [.. words.Select(Encoding.Latin1.GetBytes)];
}
