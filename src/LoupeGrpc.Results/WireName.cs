using System.Text.Json;

namespace LoupeGrpc.Results;

/// <summary>Names of enum values as the tools print them: `TOO_LARGE`, without the prefix of the protos. Unknown values are their number.</summary>
internal static class WireName
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseUpper.ConvertName(value.ToString());

    /// <returns>The value that is not said, where the name is none.</returns>
    public static T Parse<T>(string name)
        where T : struct, Enum => Enum.TryParse<T>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var value) ? value : default;
}
