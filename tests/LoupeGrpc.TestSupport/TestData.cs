namespace LoupeGrpc.TestSupport;

/// <summary>Finds the reference data under <c>tests/data</c>, the samples and the embedded model in the working tree.</summary>
public static class TestData
{
    /// <summary>The directory that holds <c>LoupeGrpc.sln</c>.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>A path under <c>tests/data</c>, e.g. <c>Golden("tiny", "tiny-s", "model.safetensors")</c>.</summary>
    public static string Golden(params string[] parts) => Path.Combine([RepositoryRoot, "tests", "data", .. parts]);

    /// <summary>A path under <c>samples</c>.</summary>
    public static string Sample(string name) => Path.Combine(RepositoryRoot, "samples", name);

    /// <summary>The checkpoint and configuration of the embedded model: <c>models/loupe-nano</c>.</summary>
    public static string NanoModel(string name) => Path.Combine(RepositoryRoot, "models", "loupe-nano", name);

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "LoupeGrpc.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException($"No LoupeGrpc.sln above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}
