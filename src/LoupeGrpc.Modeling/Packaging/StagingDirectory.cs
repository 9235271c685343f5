using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>
/// A directory beside the output, hence on its file system, that becomes the output by one rename when it is complete and is removed otherwise:
/// whoever looks at the output sees a whole package or none.
/// </summary>
internal sealed class StagingDirectory : IDisposable
{
    private readonly string _output;
    private readonly bool _overwrite;
    private bool _published;

    /// <exception cref="PackageException">The output is taken.</exception>
    public StagingDirectory(string output, bool overwrite)
    {
        _output = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(output));
        _overwrite = overwrite;
        CheckOutput();
        Path = Sibling("partial");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    /// <summary>Puts the directory in the output's place.</summary>
    public void Publish()
    {
        CheckOutput();
        string? replaced = null;
        if (Directory.Exists(_output))
        {
            replaced = Sibling("replaced");
            Directory.Move(_output, replaced);
        }

        try
        {
            Directory.Move(Path, _output);
        }
        catch (Exception) when (replaced is not null)
        {
            Directory.Move(replaced, _output);
            throw;
        }

        _published = true;
        if (replaced is not null)
        {
            Directory.Delete(replaced, recursive: true);
        }
    }

    public void Dispose()
    {
        if (!_published && Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    private void CheckOutput()
    {
        if (File.Exists(_output))
        {
            throw new PackageException($"{_output} is a file: a package is a directory.");
        }

        if (!Directory.Exists(_output) || !Directory.EnumerateFileSystemEntries(_output).Any())
        {
            return;
        }

        if (!File.Exists(System.IO.Path.Combine(_output, PackageLayout.Manifest)))
        {
            throw new PackageException($"{_output} holds files that are no model package; they are not touched, choose another output.");
        }

        if (!_overwrite)
        {
            throw new PackageException($"{_output} holds a model package already: choose another output, or let it be replaced with --overwrite.");
        }
    }

    private string Sibling(string purpose) => System.IO.Path.Combine(
        System.IO.Path.GetDirectoryName(_output) ?? throw new PackageException($"{_output} cannot be a package."),
        $".{System.IO.Path.GetFileName(_output)}.{purpose}-{Guid.NewGuid():N}");
}
