using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>A property that is a setting or a section of settings.</summary>
/// <param name="Setting">Null for a section.</param>
/// <param name="Section">Null for a setting.</param>
public sealed record SettingMember(PropertyInfo Property, SettingAttribute? Setting, SettingSectionAttribute? Section)
{
    /// <summary>As it is written in settings.</summary>
    public string Name => Section?.Name ?? Property.Name;

    /// <summary>Of a section that is a list: the type of its entries. Null otherwise.</summary>
    public Type? EntryType { get; } = Section is not null && Property.PropertyType.IsGenericType ? Property.PropertyType.GetGenericArguments()[0] : null;

    /// <summary>Of a list whose entries stand under names: the property of an entry that holds its own. Null otherwise.</summary>
    public PropertyInfo? EntryKey => Section?.Key is { } key ? EntryType?.GetProperty(key) : null;

    /// <summary>What an entry of the list stands under.</summary>
    public string NameOf(object entry, int index) => EntryKey?.GetValue(entry) as string ?? index.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The settings of a type of options.</summary>
public static class SettingMembers
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<SettingMember>> Known = new();

    /// <param name="type">A record of options.</param>
    /// <param name="section">The property that holds it, where it may leave some out.</param>
    /// <returns>In the order in which they are declared, those of a base record first.</returns>
    public static IEnumerable<SettingMember> Of(Type type, SettingSectionAttribute? section = null) =>
        Known.GetOrAdd(type, Find).Where(member => section?.Only is not { } only || only.Contains(member.Property.Name));

    private static IReadOnlyList<SettingMember> Find(Type type) =>
    [
        .. type.GetProperties()
            .Select(static property => new SettingMember(
                property, property.GetCustomAttribute<SettingAttribute>(), property.GetCustomAttribute<SettingSectionAttribute>()))
            .Where(static member => member.Setting is not null || member.Section is not null)
            .OrderBy(static member => Depth(member.Property.DeclaringType!))
            .ThenBy(static member => member.Property.MetadataToken),
    ];

    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}
