using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>
/// A package that differs from another in its manifest alone: <see cref="Start"/> claims the output, <see cref="Complete"/> copies the files, each held against its hash,
/// and puts the package in place. Disposed without that, it leaves nothing behind. Not thread-safe.
/// </summary>
public sealed class PackageCopy : IDisposable
{
    private const int BlockBytes = 1 << 20;

    private readonly StagingDirectory _staging;
    private readonly ModelPackage _source;
    private readonly string _output;

    private PackageCopy(StagingDirectory staging, ModelPackage source, string output) => (_staging, _source, _output) = (staging, source, output);

    /// <param name="output">The directory that the package becomes; absent or empty unless <paramref name="overwrite"/>.</param>
    /// <exception cref="PackageException">The output is taken, cannot be written, or is the source.</exception>
    public static PackageCopy Start(ModelPackage source, string output, bool overwrite)
    {
        if (Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)) == Path.TrimEndingDirectorySeparator(source.Directory))
        {
            throw new PackageException($"{source.Directory} is the package that is read: choose another output.");
        }

        try
        {
            return new PackageCopy(new StagingDirectory(output, overwrite), source, output);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(output, exception);
        }
    }

    /// <summary>Writes the package and puts it in place.</summary>
    /// <param name="manifest">Names the files of the source.</param>
    /// <exception cref="PackageException">The source is damaged, or the output cannot be written or was taken in the meantime.</exception>
    /// <exception cref="OperationCanceledException">Nothing is left behind.</exception>
    public ModelPackage Complete(ModelManifest manifest, CancellationToken cancellationToken)
    {
        // As whoever opens it will, before anything is written.
        var bytes = manifest.ToBytes();
        ModelManifest.Parse(bytes);
        try
        {
            foreach (var file in _source.Files())
            {
                Copy(file, cancellationToken);
            }

            File.WriteAllBytes(Path.Combine(_staging.Path, PackageLayout.Manifest), bytes);
            _staging.Publish();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(_output, exception);
        }

        return ModelPackage.Open(_output);
    }

    public void Dispose() => _staging.Dispose();

    private void Copy(PackageFile file, CancellationToken cancellationToken)
    {
        using var source = File.OpenRead(_source.PathOf(file));
        using var copy = new HashingFile(_staging.Path, file.Path);
        var block = new byte[BlockBytes];
        while (source.Read(block) is > 0 and var count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            copy.Write(block.AsSpan(0, count));
        }

        if (copy.Finish() != file)
        {
            throw new PackageException($"{source.Name} has changed while it was copied, or is damaged: its bytes are not those that {PackageLayout.Manifest} names.");
        }
    }

    private static PackageException CannotWrite(string output, Exception exception) => new($"The package cannot be written to {output}: {exception.Message}", exception);
}
