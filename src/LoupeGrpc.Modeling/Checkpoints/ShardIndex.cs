using System.Text.Json;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>The index that Hugging Face's libraries write beside a model in several files: which tensor is in which.</summary>
/// <param name="Path">Of the index.</param>
/// <param name="Shards">Names of files beside the index, in the order in which it mentions them, with the tensors that each has to hold.</param>
/// <param name="Metadata">Plain values that the index says of the model.</param>
internal sealed record ShardIndex(string Path, IReadOnlyDictionary<string, IReadOnlySet<string>> Shards, IReadOnlyDictionary<string, string> Metadata)
{
    private const string Suffix = ".index.json";
    private const int MaxBytes = 32 << 20;
    private const int MaxShards = 1000;
    private const int MaxDepth = 16;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    internal static bool IsNameOfOne(string path) => path.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="CheckpointException">The index cannot be read, or names files that it may not.</exception>
    internal static ShardIndex Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > MaxBytes)
            {
                throw CheckpointException.InFile(path, $"{file.Length} bytes, an index of shards has at most {MaxBytes}");
            }

            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CheckpointException.InFile(path, "there is no such file", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.InFile(path, $"cannot be read: {exception.Message}", exception);
        }
    }

    /// <exception cref="CheckpointException">It is not an index of shards, or names files that it may not.</exception>
    internal static ShardIndex Parse(string path, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            {
                throw CheckpointException.InFile(path, "not an index of shards: it has no object weight_map");
            }

            return new ShardIndex(path, ReadShards(path, map), ReadMetadata(root));
        }
        catch (JsonException exception)
        {
            throw CheckpointException.InFile(path, $"not valid JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            // What the reader throws for text that is not Unicode.
            throw CheckpointException.InFile(path, "not valid JSON: it has text that is not Unicode", exception);
        }
    }

    private static OrderedDictionary<string, IReadOnlySet<string>> ReadShards(string path, JsonElement map)
    {
        var shards = new OrderedDictionary<string, IReadOnlySet<string>>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : throw CheckpointException.InFile(path, $"the shard of {entry.Name} is not text");
            if (!IsPlain(name))
            {
                throw CheckpointException.InFile(path, $"the shard of {entry.Name} is '{name}', which is not the name of a file beside the index");
            }

            if (!shards.TryGetValue(name, out var tensors))
            {
                if (shards.Count == MaxShards)
                {
                    throw CheckpointException.InFile(path, $"it names more than {MaxShards} shards");
                }

                tensors = new HashSet<string>(StringComparer.Ordinal);
                shards.Add(name, tensors);
            }

            ((HashSet<string>)tensors).Add(entry.Name);
        }

        return shards;
    }

    // Links are followed where the file is opened: a cache of downloads keeps every shard as a link out of the folder.
    private static bool IsPlain(string name)
        => name is not ("" or "." or "..") && !name.AsSpan().ContainsAny('/', '\\', '\0') && !IsNameOfOne(name);

    private static Dictionary<string, string> ReadMetadata(JsonElement root)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (root.TryGetProperty("metadata", out var values) && values.ValueKind == JsonValueKind.Object)
        {
            foreach (var value in values.EnumerateObject().Where(static value => value.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number))
            {
                metadata.Add(value.Name, value.Value.ToString());
            }
        }

        return metadata;
    }
}
