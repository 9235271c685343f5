using System.Text.Json;

namespace LoupeGrpc.Execution.Builds;

/// <summary>A line of <c>compile --json</c>.</summary>
/// <param name="State">One of the constants here.</param>
/// <param name="Message">For people.</param>
public sealed record CompileLine(string Provider, string State, string Message)
{
    public const string Working = "working";
    public const string Built = "built";
    public const string Present = "present";
    public const string Failed = "failed";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web);

    /// <summary>Null where the line is something else, as libraries print at times.</summary>
    public static CompileLine? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<CompileLine>(text, Format) is { Provider: not null, State: not null, Message: not null } line ? line : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, Format);
}
