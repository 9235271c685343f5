using LoupeGrpc.Engine.Configuration;
using LoupeGrpc.Launch;

namespace LoupeGrpc.Server.Configuration;

/// <summary>
/// Puts configuration into options, by the attributes of their properties, and goes on after an error so that all of them are found. The framework's own
/// binder stops at the first, adds to lists that have a default instead of replacing them, and reads a bare number as days.
/// </summary>
internal sealed class SettingsBinder
{
    private readonly IConfigurationRoot _configuration;
    private readonly List<string> _errors = [];
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    private SettingsBinder(IConfigurationRoot configuration) => _configuration = configuration;

    /// <returns>What cannot be read, and what is not a setting. A setting that cannot be read keeps what it had.</returns>
    public static IReadOnlyList<string> Bind(IConfigurationRoot configuration, LoupeOptions options)
    {
        var binder = new SettingsBinder(configuration);
        binder.BindSection(options, LoupeOptions.Section, null);
        foreach (var leaf in configuration.GetSection(LoupeOptions.Section).GetChildren().SelectMany(Leaves))
        {
            binder.CheckKnown(leaf);
        }

        return binder._errors;
    }

    private void BindSection(object options, string path, SettingSectionAttribute? section)
    {
        foreach (var member in SettingMembers.Of(options.GetType(), section))
        {
            var name = $"{path}:{member.Name}";
            if (member.EntryType is { } type)
            {
                BindEntries(options, member, type, name);
            }
            else if (member.Section is not null)
            {
                // Set again: it may be a value, or made anew by its getter.
                var inner = member.Property.GetValue(options)!;
                BindSection(inner, name, member.Section);
                member.Property.SetValue(options, inner);
            }
            else if (SettingValue.IsPairs(member.Property))
            {
                BindPairs(options, member, name);
            }
            else
            {
                BindValue(options, member, name);
            }
        }
    }

    private void BindEntries(object options, SettingMember member, Type type, string name)
    {
        var sections = _configuration.GetSection(name).GetChildren().ToList();
        var entries = Array.CreateInstance(type, sections.Count);
        foreach (var (index, section) in sections.Index())
        {
            var entry = Activator.CreateInstance(type)!;
            member.EntryKey?.SetValue(entry, section.Key);
            BindSection(entry, section.Path, null);
            entries.SetValue(entry, index);
        }

        member.Property.SetValue(options, entries);
    }

    /// <summary>Names and values that are somebody else's: they are taken as they are.</summary>
    private void BindPairs(object options, SettingMember member, string name)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var child in _configuration.GetSection(name).GetChildren().Where(static child => child.Value is not null))
        {
            _known.Add(child.Path);
            pairs.Add(child.Key, child.Value!);
        }

        member.Property.SetValue(options, pairs);
    }

    private void BindValue(object options, SettingMember member, string name)
    {
        _known.Add(name);
        if (SettingValue.IsList(member.Property))
        {
            _known.UnionWith(_configuration.GetSection(name).GetChildren().Select(static entry => entry.Path));
        }

        // Nothing but a name: as if it were not there.
        if (ConfigurationSources.Find(_configuration, name) is not { Text.Length: > 0 } found)
        {
            return;
        }

        if (SettingValue.TryParse(member.Property, found.Text, out var value, out var error))
        {
            member.Property.SetValue(options, value);
        }
        else
        {
            _errors.Add($"{found.Describe(name)}: {error ?? SettingText.Expected(member.Property)}.");
        }
    }

    private void CheckKnown(IConfigurationSection leaf)
    {
        if (_known.Contains(leaf.Path) || (leaf.Value is null && _known.Any(known => known.StartsWith(leaf.Path + ":", StringComparison.OrdinalIgnoreCase))))
        {
            return;
        }

        var source = ConfigurationSources.Find(_configuration, leaf.Path) is { } found ? $" ({found.Source})" : string.Empty;
        var near = NearestName.Of(leaf.Path, Names(leaf.Path)) is { } name ? $"; did you mean {name}?" : "; 'serve --help' lists all of them.";
        _errors.Add($"{leaf.Path}{source} is not a setting{near}");
    }

    /// <summary>What could have been meant, in the list entry that was meant.</summary>
    private static IEnumerable<string> Names(string path)
    {
        var asked = path.Split(':');
        return SettingDescription.All.Select(setting => string.Join(':', setting.Name.Split(':').Index().Select(part => IsAskedFor(part.Index, part.Item) ? asked[part.Index] : part.Item)));

        // The last part is the setting's own name, or one that is free.
        bool IsAskedFor(int index, string part) => index < asked.Length - 1
            && ((part == SettingDescription.AnyEntry && asked[index].All(char.IsAsciiDigit)) || part == SettingDescription.AnyName);
    }

    /// <summary>What has a value; a section that has one beside its settings too.</summary>
    private static IEnumerable<IConfigurationSection> Leaves(IConfigurationSection at)
    {
        var children = at.GetChildren().ToList();
        return children.Count == 0 ? [at] : children.SelectMany(Leaves).Concat(at.Value is { Length: > 0 } ? [at] : []);
    }
}
