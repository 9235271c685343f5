namespace LoupeGrpc.Engine.Imaging;

/// <summary>Where the program that decodes pictures is, and the library that it decodes them with.</summary>
internal sealed record DecoderProgram(string Path, string OpenCv)
{
    private const string Name = "loupe_decoder";
    private const string Library = "libOpenCvSharpExtern.so";

    /// <exception cref="ModelLoadException">One of the two is not where it belongs.</exception>
    public static DecoderProgram Find() => Find(AppContext.BaseDirectory, AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string);

    /// <param name="searched">Directories, divided by colons, in which .NET looks for native libraries.</param>
    internal static DecoderProgram Find(string directory, string? searched)
    {
        string program = System.IO.Path.Combine(directory, Name);
        if (!File.Exists(program))
        {
            throw Missing(Name, directory);
        }

        IEnumerable<string> folders =
            [.. (searched ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries), directory, System.IO.Path.Combine(directory, "runtimes/linux-x64/native")];
        return folders.Select(static folder => System.IO.Path.Combine(folder, Library)).FirstOrDefault(File.Exists) is { } library
            ? new DecoderProgram(program, library)
            : throw Missing(Library, directory);
    }

    private static ModelLoadException Missing(string what, string directory) => new(
        $"Pictures are decoded in processes of their own, and {what} for them is not in {directory}. Install the server anew, or decode in its own process: Loupe:Imaging:Isolation=none.");
}
