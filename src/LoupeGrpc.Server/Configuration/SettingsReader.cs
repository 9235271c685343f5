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
    private readonly HashSet<string> _read = new(StringComparer.OrdinalIgnoreCase);
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

    /// <summary>One of a few words; the first is the default.</summary>
    public string Choice(string name, IReadOnlyList<string> choices, string meaning)
    {
        return Read(name, choices[0], choices[0], string.Join(" or ", choices), meaning, Parse);

        bool Parse(string text, [NotNullWhen(true)] out string? value) =>
            (value = choices.FirstOrDefault(choice => choice.Equals(text, StringComparison.OrdinalIgnoreCase))) is not null;
    }

    /// <summary>A list: one text with commas between, or numbered entries.</summary>
    /// <param name="wanted">What one of them may be.</param>
    public IReadOnlyList<string> Words(string name, IReadOnlyList<string> fallback, string wanted, Predicate<string> allowed, string meaning)
    {
        var entries = Section(name).GetChildren().Select(child => (Key: $"{name}:{child.Key}", child.Value)).ToList();
        entries.ForEach(entry => _read.Add(entry.Key));
        var numbered = entries.Count == 0 ? null : string.Join(',', entries.Select(static entry => entry.Value));
        return Read(name, fallback, string.Join(',', fallback), wanted, meaning, Parse, text: numbered);

        bool Parse(string text, [NotNullWhen(true)] out IReadOnlyList<string>? value)
        {
            var words = text.Split(',', StringSplitOptions.TrimEntries);
            value = words;
            return words.All(word => word.Length > 0 && allowed(word)) && words.Distinct(StringComparer.OrdinalIgnoreCase).Count() == words.Length;
        }
    }

    /// <summary>Names and values that are somebody else's: they are taken as they are.</summary>
    public IReadOnlyDictionary<string, string> Pairs(string name, string meaning)
    {
        _settings.Add(new SettingDescription($"{name}:NAME", "none", "text", meaning));
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var child in Section(name).GetChildren().Where(static child => child.Value is not null))
        {
            _read.Add($"{name}:{child.Key}");
            pairs.Add(child.Key, child.Value!);
        }

        return pairs;
    }

    /// <summary>The numbered entries under a name, in order.</summary>
    public IReadOnlyList<string> Entries(string name) => [.. Section(name).GetChildren().Select(child => $"{name}:{child.Key}")];

    public ListenUrl Address(string name, ListenUrl fallback, string meaning)
    {
        string? detail = null;
        return Read(name, fallback, fallback.ToString(), "http://HOST:PORT, port 0 for a free one", meaning, Parse, () => detail);

        bool Parse(string text, [NotNullWhen(true)] out ListenUrl? value) => ListenUrl.TryParse(text, out value, out detail);
    }

    /// <summary>A mistake that concerns several settings together.</summary>
    public void Mistake(string sentence) => _mistakes.Add(sentence);

    /// <summary>Call after the last setting was read: whatever else stands in the section is a mistake.</summary>
    public void RefuseUnknown()
    {
        foreach (var leaf in configuration.GetSection(section).GetChildren().SelectMany(Leaves))
        {
            var name = leaf.Path[(section.Length + 1)..];
            if (_read.Contains(name) || (leaf.Value is null && _read.Any(known => known.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))))
            {
                continue;
            }

            var nearest = NearestName.Of(name, _settings.Select(static setting => setting.Name));
            _mistakes.Add($"{leaf.Path} ({SourceOf(leaf.Path)}) is no setting; the nearest is {section}:{nearest}.");
        }
    }

    private delegate bool Parser<T>(string text, [NotNullWhen(true)] out T? value);

    private T Read<T>(
        string name, T fallback, string shownDefault, string wanted, string meaning, Parser<T> parse, Func<string?>? detail = null, string? text = null)
    {
        _settings.Add(new SettingDescription(name, shownDefault, wanted, meaning));
        _read.Add(name);
        var key = $"{section}:{name}";
        text ??= configuration[key];
        if (text is not { Length: > 0 })
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

    private IConfigurationSection Section(string name) => configuration.GetSection($"{section}:{name}");

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
