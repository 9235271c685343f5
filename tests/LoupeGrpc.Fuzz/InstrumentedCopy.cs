using SharpFuzz;

namespace LoupeGrpc.Fuzz;

/// <summary>
/// A copy of this program whose assemblies mark where they have been. Libraries beside them are linked and not copied.
/// </summary>
internal sealed class InstrumentedCopy : IDisposable
{
    /// <summary>What parses foreign bytes: our own, and the libraries that do it for us.</summary>
    private static readonly string[] Instrumented =
    [
        "LoupeGrpc.Client.dll", "LoupeGrpc.Engine.dll", "LoupeGrpc.Modeling.dll", "LoupeGrpc.Native.dll", "LoupeGrpc.Packaging.dll", "loupe-grpc-client.dll", "loupe-grpc-server.dll",
        "YamlDotNet.dll",
    ];

    private readonly DirectoryInfo _directory;

    /// <param name="parent">Within the working tree, so that the copy finds the test data.</param>
    public InstrumentedCopy(string parent)
    {
        _directory = Directory.CreateDirectory(Path.Combine(parent, $"copy-{Guid.NewGuid():N}"));
        try
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(AppContext.BaseDirectory))
            {
                var copy = Path.Combine(_directory.FullName, Path.GetFileName(path));
                if (Directory.Exists(path))
                {
                    Directory.CreateSymbolicLink(copy, path);
                }
                else if (Array.Exists(Instrumented, name => name == Path.GetFileName(path)))
                {
                    File.Copy(path, copy);
                    Instrument(copy);
                }
                else if (Path.GetFileName(path).StartsWith("LoupeGrpc.Fuzz", StringComparison.Ordinal) || path.EndsWith(".json", StringComparison.Ordinal))
                {
                    // The host finds everything else from where these really are.
                    File.Copy(path, copy);
                }
                else
                {
                    File.CreateSymbolicLink(copy, path);
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The program.</summary>
    public string Program => Path.Combine(_directory.FullName, "LoupeGrpc.Fuzz");

    /// <summary>Where its workers may write.</summary>
    public string Scratch => _directory.FullName;

    public void Dispose() => _directory.Delete(recursive: true);

    private static void Instrument(string path)
    {
        if (!Fuzzer.Instrument(path, static _ => true, Options.Value).Any())
        {
            throw new InvalidOperationException($"{path} holds nothing to instrument.");
        }
    }
}
