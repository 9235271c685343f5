namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>A directory of the test's own, removed with it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-tests-");

    public string FullName => _directory.FullName;

    public string this[params string[] parts] => Path.Combine([FullName, .. parts]);

    public void Dispose() => _directory.Delete(recursive: true);
}
