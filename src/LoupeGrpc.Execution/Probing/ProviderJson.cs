using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoupeGrpc.Execution.Probing;

/// <summary>How trials and their reports are written: for the process that runs them, in the cache, and by <c>probe --json</c>.</summary>
public static class ProviderJson
{
    public static JsonSerializerOptions Line { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper) },
    };

    public static JsonSerializerOptions Indented { get; } = new(Line) { WriteIndented = true };
}
