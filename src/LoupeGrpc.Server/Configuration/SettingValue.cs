using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>From text to the type of a setting. Ranges are checked later, on the whole of the options.</summary>
internal static class SettingValue
{
    public static bool IsList(PropertyInfo property) =>
        property.PropertyType == typeof(IReadOnlyList<string>) || property.PropertyType == typeof(IReadOnlyList<int>);

    public static bool IsPairs(PropertyInfo property) => property.PropertyType == typeof(IReadOnlyDictionary<string, string>);

    /// <param name="error">What is expected, where the type knows better than the property.</param>
    public static bool TryParse(PropertyInfo property, string text, [NotNullWhen(true)] out object? value, out string? error)
    {
        error = null;
        value = property.PropertyType switch
        {
            var type when type == typeof(string) => Canonical(property, text),
            var type when type == typeof(bool) => bool.TryParse(text, out var flag) ? flag : null,
            var type when type == typeof(int) => Whole(property, text) is { } whole and >= int.MinValue and <= int.MaxValue ? (int)whole : null,
            var type when type == typeof(long) => Whole(property, text),
            var type when type == typeof(float) || type == typeof(float?) => float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null,
            var type when type == typeof(TimeSpan) => DurationText.TryParse(text, out var duration) ? duration : null,
            // By name: a number is none of the words.
            var type when type.IsEnum => Enum.GetNames(type).FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } name ? Enum.Parse(type, name) : null,
            var type when type == typeof(ListenUrl) => IsOff(property, text) ? ListenUrl.Off : ListenUrl.TryParse(text, out var url, out error) ? url : null,
            var type when type == typeof(IReadOnlyList<string>) => Words(text),
            var type when type == typeof(IReadOnlyList<int>) => Numbers(text),
            var type => throw new NotSupportedException($"A setting cannot be of type {type}."),
        };
        if (value is null && error is not null && property.IsDefined(typeof(AddressOrOffAttribute)))
        {
            error += $" or {ListenUrl.OffWord}";
        }

        return value is not null;
    }

    private static bool IsOff(PropertyInfo property, string text) =>
        property.IsDefined(typeof(AddressOrOffAttribute)) && text.Equals(ListenUrl.OffWord, StringComparison.OrdinalIgnoreCase);

    private static long? Whole(PropertyInfo property, string text) =>
        property.IsDefined(typeof(BytesAttribute)) ? ByteText.TryParse(text, out var bytes) ? bytes : null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : null;

    /// <summary>Of a few words the one that is meant, whatever its case.</summary>
    private static string Canonical(PropertyInfo property, string text) =>
        property.GetCustomAttribute<AllowedValuesAttribute>()?.Values.OfType<string>().FirstOrDefault(word => word.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? text;

    private static string[] Words(string text) => text.Split(',', StringSplitOptions.TrimEntries);

    private static int[]? Numbers(string text)
    {
        var words = Words(text);
        var numbers = new int[words.Length];
        return words.Index().All(word => int.TryParse(word.Item, NumberStyles.None, CultureInfo.InvariantCulture, out numbers[word.Index])) ? numbers : null;
    }
}
