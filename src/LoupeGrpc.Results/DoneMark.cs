using System.Text.Json.Serialization;

namespace LoupeGrpc.Results;

/// <summary>What says whether an input has to be analysed again.</summary>
/// <param name="File">Its full path.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">When it was changed last.</param>
/// <param name="Model">The model's hash.</param>
/// <param name="Settings">Thresholds, mask policy, and which files were asked for.</param>
internal sealed record DoneMark(
    [property: JsonPropertyName("file")] string File,
    [property: JsonPropertyName("size")] long Size,
    [property: JsonPropertyName("modified")] DateTimeOffset Modified,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("settings")] string Settings);
