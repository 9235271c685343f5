namespace LoupeGrpc.Launch;

/// <summary>Finds a program that is installed along with this one: compiled into each.</summary>
internal static class SiblingProgram
{
    /// <param name="folders">Where it may lie, from this program's folder, the likeliest first; then the PATH is searched.</param>
    /// <returns>Its full path; null: it is nowhere.</returns>
    public static string? Find(string name, params IEnumerable<string> folders) =>
        folders.Select(static folder => Path.Combine(AppContext.BaseDirectory, folder))
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            .Select(folder => Path.GetFullPath(Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
}
