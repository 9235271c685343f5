using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LoupeGrpc.Server.Configuration;

/// <summary>A setting as <c>--help</c> shows it.</summary>
/// <param name="Name">Without the section's name.</param>
/// <param name="Wanted">Kind and range.</param>
internal sealed record SettingDescription(string Name, string Default, string Wanted, string Meaning);

/// <summary>Reads the settings of one section, each with its range, and collects every mistake instead of stopping at the first.</summary>
internal sealed class SettingsReader(IConfigurationRoot configuration, string section)
{
    private readonly List<SettingDescription> _settings = [];
    private readonly List<string> _mistakes = [];

    /// <summary>In the order in which they were read.</summary>
    public IReadOnlyList<SettingDescription> Settings => _settings;

    /// <summary>One sentence each, with the setting's full name, its value and where it came from.</summary>
    public IReadOnlyList<string> Mistakes => _mistakes;

    public long Integer(string name, long fallback, long min, long max, string meaning)
    {
        var wanted = string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}");
        return Read(name, fallback, fallback.ToString(CultureInfo.InvariantCulture), wanted, meaning, Parse);

        bool Parse(string text, out long value) =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value) && value >= min && value <= max;
    }

    public int Integer(string name, int fallback, int min, int max, string meaning) => (int)Integer(name, (long)fallback, min, max, meaning);

    public float Share(string name, float fallback, string meaning)
    {
        return Read(name, fallback, fallback.ToString(CultureInfo.InvariantCulture), "a number from 0 to 1", meaning, Parse);

        static bool Parse(string text, out float value) =>
            float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && value is >= 0 and <= 1;
    }

    public bool Switch(string name, bool fallback, string meaning) =>
        Read(name, fallback, fallback ? "true" : "false", "true or false", meaning, bool.TryParse);

    public string Text(string name, string fallback, string shownDefault, string meaning)
    {
        return Read(name, fallback, shownDefault, "text", meaning, Parse);

        static bool Parse(string text, out string value)
        {
            value = text;
            return true;
        }
    }

    public TimeSpan Duration(string name, TimeSpan fallback, TimeSpan min, TimeSpan max, string meaning)
    {
        var wanted = string.Create(
            CultureInfo.InvariantCulture, $"seconds or hh:mm:ss, from {min.TotalSeconds} to {max.TotalSeconds} seconds");
        return Read(name, fallback, string.Create(CultureInfo.InvariantCulture, $"{fallback.TotalSeconds} s"), wanted, meaning, Parse);

        bool Parse(string text, out TimeSpan value)
        {
            // TimeSpan alone would read a bare number as days.
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
            {
                value = TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue));
            }
            else if (!TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out value))
            {
                return false;
            }

            return value >= min && value <= max;
        }
    }

    public ListenUrl Address(string name, ListenUrl fallback, string meaning)
    {
        string? detail = null;
        return Read(name, fallback, fallback.ToString(), "http://HOST:PORT, port 0 for a free one", meaning, Parse, () => detail);

        bool Parse(string text, [NotNullWhen(true)] out ListenUrl? value) => ListenUrl.TryParse(text, out value, out detail);
    }

    /// <summary>A mistake that concerns several settings together.</summary>
    public void Mistake(string sentence) => _mistakes.Add(sentence);

    /// <summary>Call after the last setting was read: whatever else stands in the section is a mistake.</summary>
    public void RefuseUnknown() => RefuseUnknown(configuration.GetSection(section), string.Empty);

    private delegate bool Parser<T>(string text, [NotNullWhen(true)] out T? value);

    private T Read<T>(
        string name, T fallback, string shownDefault, string wanted, string meaning, Parser<T> parse, Func<string?>? detail = null)
    {
        _settings.Add(new SettingDescription(name, shownDefault, wanted, meaning));
        var key = $"{section}:{name}";
        if (configuration[key] is not { Length: > 0 } text)
        {
            return fallback;
        }

        if (parse(text, out var value))
        {
            return value;
        }

        _mistakes.Add($"{key} is '{text}' ({SourceOf(key)}): {detail?.Invoke() ?? wanted + " is wanted"}.");
        return fallback;
    }

    private void RefuseUnknown(IConfigurationSection at, string prefix)
    {
        foreach (var child in at.GetChildren())
        {
            var name = prefix + child.Key;
            if (_settings.Exists(setting => setting.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            if (_settings.Exists(setting => setting.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)))
            {
                RefuseUnknown(child, name + ":");
                continue;
            }

            foreach (var leaf in Leaves(child))
            {
                var unknown = leaf.Path[(section.Length + 1)..];
                var nearest = NearestName.Of(unknown, _settings.Select(static setting => setting.Name));
                _mistakes.Add($"{leaf.Path} ({SourceOf(leaf.Path)}) is no setting; the nearest is {section}:{nearest}.");
            }
        }
    }

    private static IEnumerable<IConfigurationSection> Leaves(IConfigurationSection at)
    {
        var children = at.GetChildren().ToList();
        return children.Count == 0 ? [at] : children.SelectMany(Leaves);
    }

    /// <summary>The source whose value counts: the last that has one.</summary>
    private string SourceOf(string key) =>
        configuration.Providers.LastOrDefault(provider => provider.TryGet(key, out _)) is { } source
            ? ConfigurationSources.NameOf(source)
            : "settings";
}
