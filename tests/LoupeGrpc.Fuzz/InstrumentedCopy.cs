using SharpFuzz;

namespace LoupeGrpc.Fuzz;

/// <summary>
/// A copy of this program whose assemblies mark where they have been. Libraries beside them are linked and not copied.
/// </summary>
internal sealed class InstrumentedCopy : IDisposable
{
    /// <summary>A library that parses for us.</summary>
    private const string Yaml = "YamlDotNet.dll";

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
                else if (Path.GetFileName(path).StartsWith("LoupeGrpc.Fuzz", StringComparison.Ordinal) || path.EndsWith(".json", StringComparison.Ordinal))
                {
                    // The host finds everything else from where these really are.
                    File.Copy(path, copy);
                }
                else if (IsInstrumented(Path.GetFileName(path)))
                {
                    File.Copy(path, copy);
                    Instrument(copy);
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

    private static bool IsInstrumented(string name) =>
        name == Yaml || (name.StartsWith("loupe", StringComparison.OrdinalIgnoreCase) && name.EndsWith(".dll", StringComparison.Ordinal) && !name.StartsWith("LoupeGrpc.TestSupport", StringComparison.Ordinal));

    private static void Instrument(string path)
    {
        if (!Fuzzer.Instrument(path, static _ => true, Options.Value).Any())
        {
            throw new InvalidOperationException($"{path} holds nothing to instrument.");
        }
    }
}
