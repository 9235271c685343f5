using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LoupeGrpc.Modeling.Configuration;

/// <summary>A single value of a settings file.</summary>
/// <param name="IsQuoted">Whether it was written as text: a quoted number is not a number.</param>
internal sealed record SettingsScalar(string Text, bool IsQuoted);

/// <summary>
/// Loads a JSON or YAML file as nested <c>IReadOnlyDictionary&lt;string, object?&gt;</c>, <c>IReadOnlyList&lt;object?&gt;</c> and <see cref="SettingsScalar"/>;
/// null stands for null.
/// </summary>
internal static class SettingsTree
{
    private const int MaxBytes = 1 << 20;
    private const int MaxDepth = 64;

    private static readonly JsonDocumentOptions JsonOptions = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        MaxDepth = MaxDepth,
    };

    /// <exception cref="LoupeConfigException">The file cannot be read, or is neither JSON nor YAML with a map at its top.</exception>
    internal static IReadOnlyDictionary<string, object?> Load(string path)
    {
        var text = ReadText(path);
        object? root;
        try
        {
            root = IsJson(path, text) ? FromJson(text) : FromYaml(text);
        }
        catch (JsonException exception)
        {
            throw new LoupeConfigException(path, [$"not valid JSON: {exception.Message}"], exception);
        }
        catch (YamlException exception)
        {
            throw new LoupeConfigException(path, [$"not valid YAML, line {exception.Start.Line}: {exception.Message}"], exception);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            // What the YAML library throws instead for some unfinished files, tags that are not addresses, and version numbers.
            throw new LoupeConfigException(path, [$"not valid YAML: {exception.Message}"], exception);
        }

        return root as IReadOnlyDictionary<string, object?>
            ?? throw new LoupeConfigException(path, ["not a model configuration: the top of the file must be a map of settings"]);
    }

    private static string ReadText(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > MaxBytes)
            {
                throw new LoupeConfigException(path, [$"{file.Length} bytes, a model configuration has at most {MaxBytes}"]);
            }

            return File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LoupeConfigException(path, ["there is no such file"], exception);
        }
        catch (DecoderFallbackException exception)
        {
            throw new LoupeConfigException(path, ["not a text file in UTF-8"], exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LoupeConfigException(path, [$"cannot be read: {exception.Message}"], exception);
        }
    }

    private static bool IsJson(string path, string text) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".JSON" => true,
        ".YAML" or ".YML" => false,
        _ => text.AsSpan().TrimStart().StartsWith("{"),
    };

    private static object? FromJson(string text)
    {
        using var document = JsonDocument.Parse(text, JsonOptions);
        return FromJson(document.RootElement);
    }

    private static object? FromJson(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().ToDictionary(property => property.Name, property => FromJson(property.Value), StringComparer.Ordinal),
        JsonValueKind.Array => element.EnumerateArray().Select(FromJson).ToList(),
        JsonValueKind.String => new SettingsScalar(element.GetString()!, IsQuoted: true),
        JsonValueKind.Null => null,
        _ => new SettingsScalar(element.GetRawText(), IsQuoted: false),
    };

    private static object? FromYaml(string text)
    {
        var parser = new Parser(new StringReader(text));
        parser.Consume<StreamStart>();
        if (!parser.TryConsume<DocumentStart>(out _))
        {
            return null;
        }

        var root = FromYaml(parser, [], depth: 0);
        parser.Consume<DocumentEnd>();
        parser.Consume<StreamEnd>();
        return root;
    }

    // On the parser's events and not on its object model, which has no bound on how deep a file makes it recurse.
    private static object? FromYaml(IParser parser, Dictionary<AnchorName, object?> anchors, int depth)
    {
        if (depth == MaxDepth)
        {
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested deeper than {MaxDepth} levels");
        }

        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            return anchors.TryGetValue(alias.Value, out var known)
                ? known
                : throw new YamlException(alias.Start, alias.End, $"*{alias.Value} names nothing that is complete before it");
        }

        var start = parser.Consume<NodeEvent>();
        object? node = start switch
        {
            Scalar scalar => FromYaml(scalar),
            SequenceStart => ListFromYaml(parser, anchors, depth),
            MappingStart => MapFromYaml(parser, anchors, depth),
            _ => throw new YamlException(start.Start, start.End, "a value was expected"),
        };
        if (!start.Anchor.IsEmpty)
        {
            anchors[start.Anchor] = node;
        }

        return node;
    }

    private static SettingsScalar? FromYaml(Scalar scalar)
        => scalar is { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or "Null" or "NULL" }
            ? null
            : new SettingsScalar(scalar.Value, scalar.Style != ScalarStyle.Plain);

    private static List<object?> ListFromYaml(IParser parser, Dictionary<AnchorName, object?> anchors, int depth)
    {
        var list = new List<object?>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            list.Add(FromYaml(parser, anchors, depth + 1));
        }

        return list;
    }

    private static Dictionary<string, object?> MapFromYaml(IParser parser, Dictionary<AnchorName, object?> anchors, int depth)
    {
        var map = new Dictionary<string, object?>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = parser.Consume<Scalar>();
            if (key is { Style: ScalarStyle.Plain, Value: "<<" })
            {
                throw new YamlException(key.Start, key.End, "merge keys (<<) are not supported: write the settings out");
            }

            if (!map.TryAdd(key.Value, FromYaml(parser, anchors, depth + 1)))
            {
                throw new YamlException(key.Start, key.End, $"{key.Value} is set twice");
            }
        }

        return map;
    }
}
