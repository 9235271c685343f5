using System.Buffers;
using System.Globalization;
using System.Text;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>
/// Names of the files made from inputs: a single component whatever the input was called, and never the same twice, upper and lower case alike.
/// Not thread-safe.
/// </summary>
internal sealed class ArtifactNames
{
    /// <summary>File systems stop at 255 bytes; a suffix and an extension follow.</summary>
    private const int MaxBytes = 200;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("/\\:*?\"<>|");
    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="fileName">What the input is called, e.g. `a.jpg`.</param>
    /// <returns>Its stem and extension; a stem that is taken gets `-2`, `-3` and so on.</returns>
    public (string Stem, string Extension) Assign(string fileName)
    {
        var safe = Sanitize(fileName);
        var extension = Path.GetExtension(safe);
        var stem = Shorten(Path.GetFileNameWithoutExtension(safe));
        if (stem.Length == 0 || stem.All(c => c == '.'))
        {
            stem = "unnamed";
        }

        var unique = stem;
        for (var i = 2; !_taken.Add(unique); i++)
        {
            unique = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}");
        }

        return (unique, extension);
    }

    private static string Sanitize(string name) => string.Create(name.Length, name, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = char.IsControl(source[i]) || Forbidden.Contains(source[i]) ? '_' : source[i];
        }
    });

    private static string Shorten(string stem)
    {
        while (Encoding.UTF8.GetByteCount(stem) > MaxBytes)
        {
            stem = stem[..^1];
        }

        return stem;
    }
}
