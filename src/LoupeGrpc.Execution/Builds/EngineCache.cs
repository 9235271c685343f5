using System.Text.Json;
using LoupeGrpc.Files;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Execution.Builds;

/// <summary>
/// Built engines on disk, a directory for each key. What is not whole, or not what its record says, is thrown away with a warning: an engine is code
/// that the GPU runs.
/// </summary>
internal sealed class EngineCache(string root, ILogger logger)
{
    /// <summary>Written last: a directory without it is not whole.</summary>
    private const string RecordName = "engines.json";

    private const int FormatVersion = 1;

    /// <summary>Timings only help to build; TensorRT may write them again at any time.</summary>
    private const string TimingExtension = ".timing";

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    /// <summary>Held by whoever builds, so that one engine is built at a time on this machine. Waits for it; disposing gives it back.</summary>
    /// <exception cref="IOException">The cache cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor entered.</exception>
    /// <exception cref="OperationCanceledException"/>
    public Task<IDisposable> LockAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(root);
        return FileLock.AcquireAsync(Path.Combine(root, "build.lock"), cancellationToken);
    }

    /// <summary>The directory of whole engines for a key; null where they must be built.</summary>
    public string? Find(EngineCacheKey key)
    {
        var directory = PathOf(key);
        if (!Directory.Exists(directory))
        {
            return null;
        }

        if (Validate(directory, key) is not { } error)
        {
            return directory;
        }

        LadderLog.CacheDiscarded(logger, directory, error);
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is not used anyway; whoever builds will say that it is in the way.
            LadderLog.CacheNotRemoved(logger, directory, exception.Message);
        }

        return null;
    }

    /// <summary>An empty directory to build in. <see cref="Keep"/> makes it the cache's.</summary>
    /// <exception cref="IOException">The cache cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor entered.</exception>
    public string Begin(EngineCacheKey key)
    {
        Directory.CreateDirectory(root);
        var staging = $"{PathOf(key)}.building";
        if (Directory.Exists(staging))
        {
            // The lock is ours: whoever left it has died.
            Directory.Delete(staging, recursive: true);
        }

        return Directory.CreateDirectory(staging).FullName;
    }

    /// <summary>Records what was built and moves it into place.</summary>
    /// <returns>Where it is now.</returns>
    public string Keep(EngineCacheKey key, string staging)
    {
        var files = Files(staging).ToDictionary(static file => file.Name, static file => FileHash.OfFile(file.Path));
        File.WriteAllBytes(
            Path.Combine(staging, RecordName),
            JsonSerializer.SerializeToUtf8Bytes(new Record(FormatVersion, key, files), Format));
        var directory = PathOf(key);
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }

        Directory.Move(staging, directory);
        return directory;
    }

    private string PathOf(EngineCacheKey key) => Path.Combine(root, key.DirectoryName);

    /// <returns>What is wrong with it; null where it can be used.</returns>
    private static string? Validate(string directory, EngineCacheKey key)
    {
        try
        {
            var path = Path.Combine(directory, RecordName);
            if (!File.Exists(path))
            {
                return $"it has no {RecordName}: building it never finished";
            }

            var record = JsonSerializer.Deserialize<Record>(File.ReadAllBytes(path));
            if (record is not { Format: FormatVersion, Key: not null, Files: not null })
            {
                return $"its {RecordName} has another format";
            }

            if (!record.Key.ToBytes().AsSpan().SequenceEqual(key.ToBytes()))
            {
                return "it was built for something else";
            }

            var found = Files(directory).ToDictionary(static file => file.Name, static file => file.Path);
            return record.Files.Keys.FirstOrDefault(name => !found.ContainsKey(name)) is { } missing ? $"{missing} is missing"
                : found.Keys.FirstOrDefault(name => !record.Files.ContainsKey(name)) is { } foreign ? $"{foreign} does not belong to it"
                : record.Files.FirstOrDefault(file => FileHash.OfFile(found[file.Key]) != file.Value).Key is { } changed ? $"{changed} has changed"
                : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return $"it cannot be read: {exception.Message}";
        }
    }

    private static IEnumerable<(string Name, string Path)> Files(string directory) =>
        Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Select(path => (Name: Path.GetRelativePath(directory, path), Path: path))
            .Where(static file => file.Name != RecordName && !file.Name.EndsWith(TimingExtension, StringComparison.Ordinal))
            .OrderBy(static file => file.Name, StringComparer.Ordinal);

    private sealed record Record(int Format, EngineCacheKey Key, IReadOnlyDictionary<string, string> Files);
}
