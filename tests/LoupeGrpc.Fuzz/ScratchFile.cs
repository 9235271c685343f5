namespace LoupeGrpc.Fuzz;

/// <summary>A file of this process for parsers that take a path. Not thread-safe.</summary>
internal sealed class ScratchFile
{
    private static readonly string _directory = CreateDirectory();

    private readonly string _path;

    public ScratchFile(string name) => _path = Path.Combine(_directory, name);

    /// <returns>Where the content is until the next call.</returns>
    public string Write(byte[] content)
    {
        File.WriteAllBytes(_path, content);
        return _path;
    }

    private static string CreateDirectory()
    {
        // In memory where that is at hand.
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var directory = Path.Combine(parent, $"loupe-fuzz-{Environment.ProcessId}");
        Directory.CreateDirectory(directory);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        return directory;
    }
}
