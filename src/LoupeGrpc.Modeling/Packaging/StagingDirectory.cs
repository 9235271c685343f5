using System.Text.RegularExpressions;
using LoupeGrpc.Files;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>
/// A directory beside the output, hence on its file system, that becomes the output by one rename when it is complete and is removed otherwise:
/// whoever looks at the output sees a whole package or none. What a killed process left is removed by the next one that writes beside it.
/// </summary>
internal sealed partial class StagingDirectory : IDisposable
{
    private const string Partial = "partial";
    private const string Replaced = "replaced";

    private readonly string _output;
    private readonly bool _overwrite;
    private readonly string _id = Guid.NewGuid().ToString("N");
    private readonly OwnerLock _owner;
    private bool _published;

    /// <exception cref="PackageException">The output is taken.</exception>
    public StagingDirectory(string output, bool overwrite)
    {
        _output = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(output));
        _overwrite = overwrite;
        var parent = System.IO.Path.GetDirectoryName(_output) ?? throw new PackageException($"{_output} cannot become a package: it is the root of a file system.");
        Directory.CreateDirectory(parent);
        _owner = OwnerLock.Take(System.IO.Path.Combine(parent, LockName(System.IO.Path.GetFileName(_output), _id)));
        try
        {
            RemoveOrphans(parent);
            CheckOutput();
            Path = Sibling(Partial);
            Directory.CreateDirectory(Path);
        }
        catch
        {
            _owner.Dispose();
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

        _owner.Dispose();
    }

    private static string LockName(string output, string id) => $".{output}.{Partial}-{id}.lock";

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

    private string Sibling(string purpose) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(_output)!, $".{System.IO.Path.GetFileName(_output)}.{purpose}-{_id}");

    /// <summary>
    /// Whatever processes left that ended before they could clean up. Only what has a lock that nobody holds: without one it may be a version's that knew
    /// no locks, still at work.
    /// </summary>
    private void RemoveOrphans(string parent)
    {
        var left = Directory.EnumerateFileSystemEntries(parent, ".*-*")
            .Select(static path => (Path: path, Match: Ours().Match(System.IO.Path.GetFileName(path))))
            .Where(static entry => entry.Match.Success)
            .ToLookup(static entry => (Output: entry.Match.Groups["output"].Value, Id: entry.Match.Groups["id"].Value), static entry => entry.Path);
        foreach (var entries in left)
        {
            var lockFile = System.IO.Path.Combine(parent, LockName(entries.Key.Output, entries.Key.Id));
            if (!_owner.IsOrphaned(lockFile))
            {
                continue;
            }

            try
            {
                foreach (var directory in entries.Where(Directory.Exists))
                {
                    Remove(directory, System.IO.Path.Combine(parent, entries.Key.Output));
                }

                File.Delete(lockFile);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Somebody else's, or taken away by another one that begins: it harms nobody.
            }
        }
    }

    private static void Remove(string directory, string output)
    {
        // Killed between the two renames: it is all that is left of the output.
        if (System.IO.Path.GetFileName(directory).Contains($".{Replaced}-", StringComparison.Ordinal) && !Directory.Exists(output))
        {
            Directory.Move(directory, output);
        }
        else
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [GeneratedRegex(@"^\.(?<output>.+)\.(partial|replaced)-(?<id>[0-9a-f]{32})(\.lock)?$")]
    private static partial Regex Ours();
}
