using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>Something wrong with options.</summary>
/// <param name="Settings">Full names of the settings that it is about. None: the sentence says it all.</param>
/// <param name="Value">Of the setting, where it is about one; empty otherwise.</param>
/// <param name="Reason">With one setting what is expected of it, else a sentence; without a full stop.</param>
public sealed record SettingError(IReadOnlyList<string> Settings, string Value, string Reason)
{
    /// <summary>One sentence.</summary>
    public override string ToString() => Settings is [var name] ? $"{name} is {(Value.Length > 0 ? Value : "empty")}: {Reason}." : $"{Reason}.";
}

/// <summary>
/// Checks options against their data annotations and their <see cref="IValidatableObject"/>, section by section. Unlike <see cref="Validator"/> it
/// finds everything in one go and names the settings.
/// </summary>
public static class SettingsValidation
{
    /// <param name="path">Of the options' section, from the root.</param>
    /// <param name="section">The property that holds them, where it may leave some out.</param>
    /// <returns>Everything that is wrong.</returns>
    public static IReadOnlyList<SettingError> Validate(object options, string path, SettingSectionAttribute? section = null)
    {
        List<SettingError> errors = [];
        foreach (var member in SettingMembers.Of(options.GetType(), section))
        {
            var name = $"{path}:{member.Name}";
            var value = member.Property.GetValue(options);
            if (member.EntryType is not null)
            {
                foreach (var (index, entry) in ((IEnumerable)value!).Cast<object>().Index())
                {
                    errors.AddRange(Validate(entry, $"{name}:{member.NameOf(entry, index)}"));
                }
            }
            else if (member.Section is not null)
            {
                errors.AddRange(Validate(value!, name, member.Section));
            }
            else if (member.Property.GetCustomAttributes<ValidationAttribute>().Any(rule => !rule.IsValid(value)))
            {
                errors.Add(new SettingError([name], SettingText.Of(member.Property, value), SettingText.Expected(member.Property)));
            }
        }

        if (options is IValidatableObject rules)
        {
            var wrong = errors.SelectMany(static error => error.Settings).ToHashSet();
            errors.AddRange(rules.Validate(new ValidationContext(options) { DisplayName = path })
                .OfType<ValidationResult>()
                .Select(result => Error(options, path, result))
                // What is said already needs no second sentence about what follows from it.
                .Where(error => !error.Settings.Any(wrong.Contains)));
        }

        return errors;
    }

    private static SettingError Error(object options, string path, ValidationResult result)
    {
        string[] members = [.. result.MemberNames];
        var value = members is [var only] && options.GetType().GetProperty(only) is { } property ? SettingText.Of(property, property.GetValue(options)) : string.Empty;
        return new SettingError([.. members.Select(member => $"{path}:{member}")], value, result.ErrorMessage ?? string.Empty);
    }
}
