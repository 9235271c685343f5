using System.Collections;
using System.Security.Cryptography;
using LoupeGrpc.Files;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>
/// The demonstration model that ships with the program: converted on the first start, kept in a cache, or in a directory of its own where
/// the cache cannot be used. A cache that holds it need not be writable. Disposing removes that directory.
/// </summary>
internal sealed class EmbeddedModel : IDisposable
{
    private const string Name = "loupe-nano";
    private const string Version = "1";

    private const string TemporaryPrefix = "loupe-grpc-";
    private const string OwnerName = "owner.lock";

    private readonly DirectoryInfo? _temporary;
    private readonly OwnerLock? _owner;

    private EmbeddedModel(ModelPackage package, DirectoryInfo? temporary, OwnerLock? owner) => (Package, _temporary, _owner) = (package, temporary, owner);

    public ModelPackage Package { get; }

    private static string Source => Path.Combine(AppContext.BaseDirectory, "models", Name);

    private static string Weights => Path.Combine(Source, "model.safetensors");

    private static string Configuration => Path.Combine(Source, "config.json");

    /// <summary>Takes the model out of the cache, or converts it into it. Several processes may do so at a time.</summary>
    /// <param name="cacheDirectory">Null where there is none.</param>
    /// <exception cref="PackageException">It can be written nowhere.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<EmbeddedModel> PrepareAsync(string? cacheDirectory, ILogger logger, CancellationToken cancellationToken)
    {
        if (cacheDirectory is not null)
        {
            try
            {
                return new EmbeddedModel(await TakeFromCacheAsync(cacheDirectory, logger, cancellationToken).ConfigureAwait(false), null, null);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PackageException)
            {
                ModelLog.CacheUnusable(logger, cacheDirectory, exception.Message);
            }
        }

        try
        {
            return ConvertForNow(logger, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(
                $"The embedded model can be kept neither in a cache nor under {Path.GetTempPath()} ({exception.Message}): set Loupe:Model:CacheDirectory, HOME or "
                + "TMPDIR to a directory that can be written.",
                exception);
        }
    }

    /// <summary>Where what can be made again is kept: by the settings, else by the environment; null for an account without a home.</summary>
    public static string? CacheDirectory(LoupeOptions options, IDictionary environment) =>
        options.Model.CacheDirectory.Length > 0 ? options.Model.CacheDirectory : DefaultCacheDirectory(name => environment[name] as string);

    /// <summary>Where packages are kept unless a setting says otherwise; null for an account without a home.</summary>
    public static string? DefaultCacheDirectory(Func<string, string?> environment)
    {
        if (environment("XDG_CACHE_HOME") is { } cache && Path.IsPathRooted(cache))
        {
            return Path.Combine(cache, "loupe-grpc");
        }

        return environment("HOME") is { } home && Path.IsPathRooted(home) ? Path.Combine(home, ".cache", "loupe-grpc") : null;
    }

    public void Dispose()
    {
        _owner?.Dispose();
        _temporary?.Delete(recursive: true);
    }

    /// <summary>Into a directory that is gone when this process is, or when the next one looks.</summary>
    private static EmbeddedModel ConvertForNow(ILogger logger, CancellationToken cancellationToken)
    {
        var temporary = Directory.CreateTempSubdirectory(TemporaryPrefix);
        OwnerLock? owner = null;
        try
        {
            owner = OwnerLock.Take(Path.Combine(temporary.FullName, OwnerName));
            RemoveOrphans(temporary, owner);
            return new EmbeddedModel(Convert(Path.Combine(temporary.FullName, Name), logger, cancellationToken), temporary, owner);
        }
        catch
        {
            owner?.Dispose();
            temporary.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>What servers left that were killed.</summary>
    private static void RemoveOrphans(DirectoryInfo mine, OwnerLock owner)
    {
        foreach (var directory in mine.Parent!.EnumerateDirectories(TemporaryPrefix + "*"))
        {
            var lockFile = Path.Combine(directory.FullName, OwnerName);
            try
            {
                if (File.Exists(lockFile) && owner.IsOrphaned(lockFile))
                {
                    directory.Delete(recursive: true);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Somebody else's.
            }
        }
    }

    private static async Task<ModelPackage> TakeFromCacheAsync(string cacheDirectory, ILogger logger, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(cacheDirectory, $"{Name}-{Key()}");
        // Without a lock, which a cache that can only be read has no room for. A package is whole or not there, so that this is enough wherever it is whole.
        if (TryOpen(directory, out _) is { } whole)
        {
            return whole;
        }

        Directory.CreateDirectory(cacheDirectory);
        using (await FileLock.AcquireAsync(directory + ".lock", cancellationToken).ConfigureAwait(false))
        {
            // Again: another process may have made or replaced it meanwhile.
            if (TryOpen(directory, out var damage) is { } made)
            {
                return made;
            }

            if (damage is not null)
            {
                ModelLog.CacheDamaged(logger, damage.Message);
                Directory.Delete(directory, recursive: true);
            }

            return Convert(directory, logger, cancellationToken);
        }
    }

    /// <summary>Null where it is not there, or is damaged.</summary>
    private static ModelPackage? TryOpen(string directory, out PackageException? damage)
    {
        damage = null;
        try
        {
            return Directory.Exists(directory) ? ModelPackage.Open(directory, PackageCheck.Hashes) : null;
        }
        catch (PackageException exception)
        {
            damage = exception;
            return null;
        }
    }

    private static ModelPackage Convert(string directory, ILogger logger, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        var options = new PackageOptions(Name, Version, Demonstration: true, ProductVersion.Name) { Tiles = new TileSettings(Bias: 0) };
        var package = ModelConversion.Run(new ConversionRequest(Configuration, [Weights], directory, options), cancellationToken);
        var seconds = TimeProvider.System.GetElapsedTime(begin).TotalSeconds;
        ModelLog.Converted(logger, directory, seconds);
        return package;
    }

    /// <summary>Names what went into the package: the checkpoint, and the code that converts it.</summary>
    private static string Key()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(Weights));
        hash.AppendData(File.ReadAllBytes(Configuration));
        foreach (var type in new[] { typeof(PackageBuild), typeof(ModelPackage), typeof(Engine.LoupeEngine), typeof(EmbeddedModel) })
        {
            // Changes with the code: builds are deterministic.
            hash.AppendData(type.Module.ModuleVersionId.ToByteArray());
        }

        return System.Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
