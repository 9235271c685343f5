using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>What may stand in a setting, and what does, in words. The attributes of the property are the one place where ranges are written down.</summary>
public static class SettingText
{
    /// <summary>What is expected, as the end of a sentence about a value that is not.</summary>
    public static string Expected(PropertyInfo property) => Form(property) switch
    {
        BytesOrZeroAttribute bytes => $"expected a number of bytes: {bytes.Words}",
        BytesAttribute bytes => $"expected a number of bytes from {bytes.Words}",
        DurationAttribute duration =>
            $"expected a duration from {DurationText.Format(duration.Minimum)} to {DurationText.Format(duration.Maximum)}, such as 90, 90s or 00:01:30",
        RangeAttribute range => $"expected a {(IsFraction(property) ? "number" : "whole number")} from {Invariant(range.Minimum)} to {Invariant(range.Maximum)}",
        FormAttribute form => form.Expected,
        AllowedValuesAttribute words => $"expected {Words(words)}",
        _ when property.PropertyType == typeof(bool) => "expected true or false",
        _ when property.PropertyType.IsEnum => $"expected {Words(Words(property.PropertyType))}",
        _ => "expected text",
    };

    /// <summary>The same in as few words as help has room for; empty where any text will do.</summary>
    public static string Range(PropertyInfo property) => Form(property) switch
    {
        BytesAttribute bytes => bytes.Words,
        DurationAttribute duration => $"{DurationText.Format(duration.Minimum)} to {DurationText.Format(duration.Maximum)}",
        RangeAttribute range => $"{Invariant(range.Minimum)} to {Invariant(range.Maximum)}",
        FormAttribute form => form.Range,
        AllowedValuesAttribute words => Words(words),
        _ when property.PropertyType == typeof(bool) => "true or false",
        _ when property.PropertyType.IsEnum => Words(Words(property.PropertyType)),
        _ => string.Empty,
    };

    /// <summary>A value as it may be written in settings.</summary>
    public static string Of(PropertyInfo property, object? value) => value switch
    {
        null => string.Empty,
        bool flag => flag ? "true" : "false",
        Enum word => word.ToString().ToLowerInvariant(),
        TimeSpan duration => DurationText.Format(duration),
        int or long when property.IsDefined(typeof(BytesAttribute)) => ByteText.Format(Convert.ToInt64(value, CultureInfo.InvariantCulture)),
        string text => text,
        IEnumerable list => string.Join(',', list.Cast<object>().Select(Invariant)),
        _ => Invariant(value),
    };

    private static ValidationAttribute? Form(PropertyInfo property) => property.GetCustomAttributes<ValidationAttribute>().FirstOrDefault();

    private static bool IsFraction(PropertyInfo property) => property.PropertyType == typeof(float) || property.PropertyType == typeof(float?) || property.PropertyType == typeof(double);

    private static string[] Words(Type enumeration) => [.. Enum.GetNames(enumeration).Select(static name => name.ToLowerInvariant())];

    private static string Words(AllowedValuesAttribute words) => Words([.. words.Values.Select(Invariant)]);

    private static string Words(string[] names) => names.Length == 1 ? names[0] : $"{string.Join(", ", names[..^1])} or {names[^1]}";

    private static string Invariant(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;
}
