using System.IO.Enumeration;

namespace LoupeGrpc.Server.Calibration;

/// <summary>Where the pictures are of which the truth is known.</summary>
/// <param name="Forged">Null: there are none.</param>
internal sealed record CalibrationFolders(string Authentic, string? Forged)
{
    /// <summary>Why the folders cannot be what they are said to be; null: they can.</summary>
    public string? Contradiction
    {
        get
        {
            if (Forged is null)
            {
                return null;
            }

            var (authentic, forged) = (Real(Authentic), Real(Forged));
            return authentic == forged ? $"--authentic and --forged are the same folder: {Authentic}"
                : IsInside(authentic, forged) ? $"--forged is inside of --authentic, whose pictures would be both: {Forged}"
                : IsInside(forged, authentic) ? $"--authentic is inside of --forged, whose pictures would be both: {Authentic}"
                : null;
        }
    }

    /// <summary>Every file in a folder and those below it, by its full path, in ordinal order. Links to files are followed, links to folders are not: they may lead in circles.</summary>
    /// <exception cref="CalibrationException">The folder is not there.</exception>
    /// <exception cref="IOException">It, or one below it, cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor entered.</exception>
    public static IReadOnlyList<string> FilesOf(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new CalibrationException(File.Exists(folder) ? $"{folder} is a file: expected a folder of pictures." : $"{folder} is not there: expected a folder of pictures.");
        }

        var files = new FileSystemEnumerable<string>(
            Path.GetFullPath(folder),
            static (ref entry) => entry.ToFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = default })
        {
            ShouldIncludePredicate = static (ref entry) => !entry.IsDirectory,
            ShouldRecursePredicate = static (ref entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        return [.. files.Order(StringComparer.Ordinal)];
    }

    private static bool IsInside(string outer, string inner) => inner.StartsWith(Path.EndsInDirectorySeparator(outer) ? outer : outer + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string Real(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(full) && Directory.ResolveLinkTarget(full, returnFinalTarget: true) is { } target ? Path.TrimEndingDirectorySeparator(target.FullName) : full;
    }
}
