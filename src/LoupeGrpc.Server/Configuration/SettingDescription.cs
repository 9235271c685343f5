using System.Reflection;
using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Server.Configuration;

/// <summary>A setting, for people.</summary>
/// <param name="Name">Full, with <c>N</c> for numbers of entries and <c>NAME</c> for names that are free.</param>
/// <param name="Section">Full name of its section.</param>
/// <param name="Title">What the section is about.</param>
/// <param name="Meaning">A phrase.</param>
/// <param name="Range">What it may be; empty where any text will do.</param>
/// <param name="Default">As it may be written down, or a phrase.</param>
/// <param name="Option">The command line's own option for it; null: none.</param>
/// <param name="Essential">Whether most operators look for it.</param>
internal sealed record SettingDescription(
    string Name, string Section, string Title, string Meaning, string Range, string Default, string? Option, bool Essential)
{
    /// <summary>Stands for the number of an entry in a list of sections.</summary>
    public const string AnyEntry = "N";

    /// <summary>Stands for a name that is free.</summary>
    public const string AnyName = "NAME";

    /// <summary>Every setting there is, in the order of their sections.</summary>
    public static IReadOnlyList<SettingDescription> All { get; } = [.. Describe(new LoupeOptions(), LoupeOptions.Section, string.Empty, null)];

    /// <summary>Names of the settings that two have differently, with the numbers of entries in them.</summary>
    public static IReadOnlyList<string> Differences(LoupeOptions one, LoupeOptions other) =>
        Differences(Values(one, LoupeOptions.Section, null), Values(other, LoupeOptions.Section, null));

    /// <summary>Names whose values two sets of settings have differently, or one of them does not have, in the order of the first.</summary>
    public static IReadOnlyList<string> Differences(IEnumerable<KeyValuePair<string, string>> one, IEnumerable<KeyValuePair<string, string>> other)
    {
        var (first, second) = (one.ToDictionary(), other.ToDictionary());
        return [.. first.Keys.Union(second.Keys).Where(name => first.GetValueOrDefault(name) != second.GetValueOrDefault(name))];
    }

    private static IEnumerable<KeyValuePair<string, string>> Values(object options, string path, SettingSectionAttribute? section) =>
        SettingMembers.Of(options.GetType(), section).SelectMany(member => (member.Property.GetValue(options), $"{path}:{member.Name}") switch
        {
            (var value, var name) when member.Setting is not null => [new(name, SettingText.Of(member.Property, value))],
            (System.Collections.IEnumerable list, var name) when member.EntryType is not null =>
                list.Cast<object>().Index().SelectMany(entry => Values(entry.Item, $"{name}:{member.NameOf(entry.Item, entry.Index)}", member.Section)),
            ({ } inner, var name) => Values(inner, name, member.Section),
            _ => [],
        });

    private static IEnumerable<SettingDescription> Describe(object options, string path, string title, SettingSectionAttribute? section)
    {
        foreach (var member in SettingMembers.Of(options.GetType(), section))
        {
            var name = $"{path}:{member.Name}";
            if (member.Setting is { } setting)
            {
                yield return Describe(member.Property, setting, name, path, title, member.Property.GetValue(options));
            }
            else
            {
                var (inner, value) = member.EntryType is { } entry
                    ? ($"{name}:{(member.EntryKey is null ? AnyEntry : AnyName)}", Activator.CreateInstance(entry)!)
                    : (name, member.Property.GetValue(options)!);
                foreach (var description in Describe(value, inner, member.Section!.Title, member.Section))
                {
                    yield return description;
                }
            }
        }
    }

    private static SettingDescription Describe(PropertyInfo property, SettingAttribute setting, string name, string path, string title, object? value) => new(
        SettingValue.IsPairs(property) ? $"{name}:{AnyName}" : name,
        path,
        title,
        setting.Meaning,
        SettingText.Range(property),
        setting.DefaultText ?? (SettingValue.IsPairs(property) ? "none" : SettingText.Of(property, value)),
        setting.Option,
        setting.Essential);
}
