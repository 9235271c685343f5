using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>
/// A directory beside the output, hence on its file system, that becomes the output by one rename when it is complete and is removed otherwise:
/// whoever looks at the output sees a whole package or none. What a conversion that was killed left there is removed by the next one to the same output.
/// </summary>
internal sealed class StagingDirectory : IDisposable
{
    private const string Partial = "partial";
    private const string Replaced = "replaced";

    /// <summary>Beside the directory, locked for as long as somebody writes there. The lock ends with its process, however that ends.</summary>
    private const string LockSuffix = ".lock";

    private readonly string _output;
    private readonly bool _overwrite;
    private readonly FileStream _lock;
    private bool _published;

    /// <exception cref="PackageException">The output is taken.</exception>
    public StagingDirectory(string output, bool overwrite)
    {
        _output = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(output));
        _overwrite = overwrite;
        CheckOutput();
        RemoveLeftovers();
        Path = Sibling(Partial);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        _lock = new FileStream(Path + LockSuffix, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        try
        {
            Directory.CreateDirectory(Path);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>Puts the directory in the output's place.</summary>
    public void Publish()
    {
        CheckOutput();
        string? replaced = null;
        if (Directory.Exists(_output))
        {
            replaced = Sibling(Replaced);
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

        _lock.Dispose();
    }

    private void CheckOutput()
    {
        if (File.Exists(_output))
        {
            throw new PackageException($"{_output} is a file, but a package is a directory.");
        }

        if (!Directory.Exists(_output) || !Directory.EnumerateFileSystemEntries(_output).Any())
        {
            return;
        }

        if (!File.Exists(System.IO.Path.Combine(_output, PackageLayout.Manifest)))
        {
            throw new PackageException($"{_output} holds files that are not a model package. They were left alone; choose another output.");
        }

        if (!_overwrite)
        {
            throw new PackageException($"{_output} already holds a model package: choose another output, or replace it with --overwrite.");
        }
    }

    // Only what has a lock that nobody holds: a directory without one may be a version's that knew no locks, still at work.
    private void RemoveLeftovers()
    {
        string parent = System.IO.Path.GetDirectoryName(_output) ?? string.Empty;
        if (!Directory.Exists(parent))
        {
            return;
        }

        foreach (string path in Directory.EnumerateFiles(parent, $".{System.IO.Path.GetFileName(_output)}.{Partial}-*{LockSuffix}"))
        {
            try
            {
                using var free = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
                string left = path[..^LockSuffix.Length];
                if (Directory.Exists(left))
                {
                    Directory.Delete(left, recursive: true);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Somebody writes there, or it is another user's: neither stands in this conversion's way.
            }
        }
    }

    private string Sibling(string purpose) => System.IO.Path.Combine(
        System.IO.Path.GetDirectoryName(_output) ?? throw new PackageException($"{_output} cannot become a package: it is the root of a file system."),
        $".{System.IO.Path.GetFileName(_output)}.{purpose}-{Guid.NewGuid():N}");
}
