using System.Text;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Raw files of cameras that are built like a TIFF. They hold pictures, but as previews: what the sensor saw has still to be developed.</summary>
internal static class CameraRaw
{
    private const ushort MakeTag = 271;
    private const ushort DngVersionTag = 50706;
    private const int MostLetters = 32;

    /// <summary>Whether samples of this PhotometricInterpretation are a sensor's: a colour filter array, or linear raw.</summary>
    public static bool IsSensorData(uint photometric) => photometric is 32803 or 34892;

    /// <summary>The kind for people.</summary>
    public static string NameOf(TiffDirectory first)
    {
        string make = first.TryGetText(MakeTag, MostLetters, out var text) ? Printable(text) : string.Empty;
        if (first.Contains(DngVersionTag))
        {
            return make.Length == 0 ? "Raw picture (DNG)" : $"Raw picture (DNG) of {make}";
        }

        return make.ToUpperInvariant() switch
        {
            "" => "Raw picture of a camera",
            var upper when upper.StartsWith("NIKON", StringComparison.Ordinal) => "Nikon raw (NEF)",
            var upper when upper.StartsWith("SONY", StringComparison.Ordinal) => "Sony raw (ARW)",
            var upper when upper.StartsWith("CANON", StringComparison.Ordinal) => "Canon raw (CR2)",
            var upper when upper.StartsWith("PENTAX", StringComparison.Ordinal) => "Pentax raw (PEF)",
            var upper when upper.StartsWith("SAMSUNG", StringComparison.Ordinal) => "Samsung raw (SRW)",
            var upper when upper.StartsWith("HASSELBLAD", StringComparison.Ordinal) => "Hasselblad raw (3FR)",
            var upper when upper.StartsWith("EPSON", StringComparison.Ordinal) => "Epson raw (ERF)",
            _ => $"Raw picture of a camera ({make})",
        };
    }

    /// <param name="preview">Its size, or null where the file has none.</param>
    public static SniffResult Refuse(string name, string? preview) => SniffResult.Unsupported(
        name,
        "develop it to JPEG, PNG or TIFF first" + (preview is null ? string.Empty : $". Its preview of {preview} pixels is not judged in its place"));

    // The text is the file's, and messages end up in terminals.
    private static string Printable(ReadOnlySpan<byte> text)
    {
        var letters = new StringBuilder();
        foreach (byte letter in text)
        {
            if (letter == 0)
            {
                break;
            }

            letters.Append(letter is >= 0x20 and < 0x7F ? (char)letter : '?');
        }

        return letters.ToString().Trim();
    }
}
