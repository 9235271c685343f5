namespace LoupeGrpc.Server.Models;

/// <summary>The pictures that ship with the program, which its page shows.</summary>
internal static class SamplePictures
{
    private static readonly string[] Kinds = [".jpg", ".png"];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "page", "samples");

    /// <summary>In the order of their names; empty where they were taken away.</summary>
    public static IReadOnlyList<string> Files => Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder).Where(static file => Kinds.Contains(Path.GetExtension(file))).Order(StringComparer.Ordinal)]
        : [];
}
