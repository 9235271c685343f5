using LoupeGrpc.Files;

namespace LoupeGrpc.Packaging;

/// <summary>How thoroughly <see cref="ModelPackage.Open"/> checks the files.</summary>
public enum PackageCheck
{
    /// <summary>Each file is there and as long as the manifest says: no file but the manifest is read.</summary>
    Sizes,

    /// <summary>Each file has the hash the manifest says: every byte is read once.</summary>
    Hashes,
}

/// <summary>A package on disk: its directory, its manifest and its hash. Immutable; the files are opened by whoever runs them.</summary>
public sealed class ModelPackage
{
    private ModelPackage(string directory, ModelManifest manifest, string hash)
    {
        Directory = directory;
        Manifest = manifest;
        Hash = hash;
    }

    /// <summary>Full path.</summary>
    public string Directory { get; }

    public ModelManifest Manifest { get; }

    /// <summary>SHA-256 of <see cref="PackageLayout.Manifest"/>, lower-case hex. As the manifest holds the hash of each file, it names the content of the whole package.</summary>
    public string Hash { get; }

    /// <summary>First eight digits of <see cref="Hash"/>, for people.</summary>
    public string ShortHash => Hash[..8];

    /// <summary>Opens a finished package.</summary>
    /// <exception cref="PackageException">What is wrong, and with which file.</exception>
    public static ModelPackage Open(string directory, PackageCheck check = PackageCheck.Sizes)
    {
        var package = OpenStaged(directory);
        if (package.Manifest.SelfCheck is null)
        {
            throw new PackageException($"{package.Directory} has no self-check: {PackageLayout.Manifest} does not name one. Convert the model again.");
        }

        foreach (var file in package.Files())
        {
            package.CheckFile(file, check);
        }

        return package;
    }

    /// <summary>Opens a package that is still being written: it may lack its self-check, and no file but the manifest is looked at.</summary>
    /// <exception cref="PackageException">The manifest is missing or unusable.</exception>
    public static ModelPackage OpenStaged(string directory)
    {
        string full = Path.GetFullPath(directory);
        string manifestPath = Path.Combine(full, PackageLayout.Manifest);
        byte[] bytes;
        try
        {
            bytes = NamedFile.Read(manifestPath, PackageLayout.MaxManifestBytes);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            string what = System.IO.Directory.Exists(full) ? $"it holds no {PackageLayout.Manifest}" : "there is no such directory";
            throw new PackageException($"{full} is not a model package: {what}.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PackageException($"{manifestPath} cannot be read: {exception.Message}", exception);
        }

        try
        {
            var package = new ModelPackage(full, ModelManifest.Parse(bytes), FileHash.OfBytes(bytes));
            package.CheckPaths();
            return package;
        }
        catch (PackageException exception)
        {
            throw new PackageException($"{full}: {exception.Message}", exception);
        }
    }

    public ModelDescription Describe() =>
        new(Manifest.Name, Manifest.Version, Hash, Manifest.Demonstration, Manifest.ImageSize, Manifest.Grid)
        {
            NativeTiles = Manifest.Tiles is not null,
            TileBias = Manifest.Tiles?.Bias ?? 0,
            Calibration = Manifest.Calibration,
        };

    /// <summary>Where a file of this package lies.</summary>
    public string PathOf(PackageFile file) => Path.Combine(Directory, file.Path.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>The files of a precision.</summary>
    /// <exception cref="PackageException">The package has no such precision; the message lists those it has.</exception>
    public PrecisionFiles FilesOf(string precision) =>
        Manifest.Precisions.TryGetValue(precision, out var files)
            ? files
            : throw new PackageException($"{Directory} does not have the precision {precision}, only {string.Join(", ", Manifest.Precisions.Keys)}.");

    /// <summary>Every file of the package but the manifest.</summary>
    public IEnumerable<PackageFile> Files()
    {
        yield return Manifest.Theta;
        if (Manifest.SelfCheck is not null)
        {
            yield return Manifest.SelfCheck;
        }

        foreach (var files in Manifest.Precisions.Values)
        {
            yield return files.Encoder;
            yield return files.Segmentor;
            yield return files.Adapt;
            yield return files.Weights;
            if (files.Processor is { } processor)
            {
                yield return processor.Segmentor;
            }

            if (files.SelfCheck is { } selfCheck)
            {
                yield return selfCheck;
            }
        }
    }

    private void CheckPaths()
    {
        foreach (var file in Files())
        {
            bool leaves = Path.IsPathRooted(file.Path) || file.Path.Contains('\\', StringComparison.Ordinal)
                || file.Path.Split('/').Any(static part => part is "" or "." or "..");
            if (leaves)
            {
                throw new PackageException($"{PackageLayout.Manifest} names the file '{file.Path}', which is not a plain path inside the package.");
            }
        }
    }

    private void CheckFile(PackageFile file, PackageCheck check)
    {
        string path = PathOf(file);
        if (!File.Exists(path))
        {
            throw new PackageException($"{path} is missing, although {PackageLayout.Manifest} lists it.");
        }

        if (NamedFile.LengthOf(path) is var length && length != file.Bytes)
        {
            throw new PackageException($"{path} has {length} bytes, but {PackageLayout.Manifest} says {file.Bytes}: the package is damaged or was only partly copied.");
        }

        if (check == PackageCheck.Hashes && FileHash.OfFile(path) != file.Sha256)
        {
            throw new PackageException($"{path} does not have the SHA-256 in {PackageLayout.Manifest}: the package was changed or damaged.");
        }
    }
}
