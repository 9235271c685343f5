using System.Security.Cryptography;
using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Execution.Probing;

/// <summary>
/// Answers of trials, kept on disk under a hash of what they depend on: the provider's library, ONNX Runtime, the driver, the device, a plugin's options,
/// where libraries are looked for, and this program. A provider that ran is believed for as long as none of that changes; one that did not, for an hour,
/// because the machine may have been repaired. What cannot be read or written is as if it were not there.
/// </summary>
/// <param name="directory">Null where there is none: nothing is kept.</param>
internal sealed class ProbeCache(string? directory, TimeProvider time)
{
    public static readonly TimeSpan LifeOfFailures = TimeSpan.FromHours(1);

    private sealed record Entry(DateTimeOffset Written, ProviderReport Report);

    public ProviderReport? Find(ExecutionTarget target)
    {
        try
        {
            // Once: it hashes a library of up to hundreds of megabytes.
            var path = directory is null ? null : PathOf(target);
            if (!File.Exists(path))
            {
                return null;
            }

            var entry = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(path), ProviderJson.Line);
            var age = time.GetUtcNow() - entry?.Written;
            return entry?.Report is { } report && report.Provider == target.Provider && (report.Runs || (age >= TimeSpan.Zero && age < LifeOfFailures)) ? report : null;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return null;
        }
    }

    public void Keep(ExecutionTarget target, ProviderReport report)
    {
        try
        {
            if (directory is null)
            {
                return;
            }

            Directory.CreateDirectory(directory);
            var path = PathOf(target);
            var unfinished = $"{path}.{Environment.ProcessId}";
            File.WriteAllBytes(unfinished, JsonSerializer.SerializeToUtf8Bytes(new Entry(time.GetUtcNow(), report), ProviderJson.Line));
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            // The next start tries again.
        }
    }

    private string PathOf(ExecutionTarget target)
    {
        var library = ProviderTrial.LibraryOf(target);
        string[] parts =
        [
            typeof(ProviderTrial).Module.ModuleVersionId.ToString(),
            ProviderTrial.RuntimeVersion,
            ProviderTrial.DriverVersion ?? string.Empty,
            Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? string.Empty,
            target.Kind.ToString(),
            target.Provider,
            library,
            library.Length > 0 ? FileHash.OfFile(library) : string.Empty,
            target.DeviceIndex.ToString(),
            .. target.Kind == ProviderKind.Plugin ? target.Options.OrderBy(static option => option.Key, StringComparer.Ordinal).SelectMany(static option => new[] { option.Key, option.Value }) : [],
        ];
        var key = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(parts));
        return Path.Combine(directory!, $"{target.Kind.ToString().ToLowerInvariant()}-{Convert.ToHexStringLower(key.AsSpan(0, 8))}.json");
    }

    private static bool IsExpected(Exception exception) => exception is IOException or UnauthorizedAccessException or JsonException;
}
