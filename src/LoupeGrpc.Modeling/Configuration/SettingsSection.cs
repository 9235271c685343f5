using System.Globalization;

namespace LoupeGrpc.Modeling.Configuration;

/// <summary>
/// One section of a settings file. A value of the wrong type is noted and read as a stand-in, so that reading goes on and finds every error.
/// </summary>
/// <param name="name">Dotted; empty for the top of the file.</param>
internal sealed class SettingsSection(string name, IReadOnlyDictionary<string, object?> values, SettingsErrors errors)
{
    /// <summary>In the authors' files: keep the default.</summary>
    private const string KeepDefault = "-";

    private const int MaxShownLength = 100;

    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>Whether the section says anything of the setting.</summary>
    internal bool Has(string key) => values.TryGetValue(key, out var value) && value is not SettingsScalar { Text: KeepDefault };

    /// <param name="fallback">Where the file says nothing; null for a setting that has to be there.</param>
    internal int Int(string key, int? fallback = null) => Read(key, fallback, "a whole number", Parse);

    /// <inheritdoc cref="Int"/>
    internal double Double(string key, double? fallback = null) => Read(key, fallback, "a number", ParseDouble);

    /// <summary>A number, or null where the file says null.</summary>
    internal double? DoubleOrNull(string key, double? fallback, bool required)
    {
        if (required || Has(key))
        {
            _known.Add(key);
            return values.TryGetValue(key, out var value) && value is null ? null : Double(key);
        }

        _known.Add(key);
        return fallback;
    }

    /// <inheritdoc cref="Int"/>
    internal bool Bool(string key, bool? fallback = null) => Read(key, fallback, "true or false", value => value switch
    {
        SettingsScalar { IsQuoted: false, Text: "true" or "True" } => true,
        SettingsScalar { IsQuoted: false, Text: "false" or "False" } => false,
        _ => (bool?)null,
    });

    /// <summary>One of the names of <typeparamref name="T"/> in lower case.</summary>
    /// <inheritdoc cref="Int"/>
    internal T OneOf<T>(string key, T? fallback = null)
        where T : struct, Enum
        => Read(key, fallback, $"one of {string.Join(", ", Enum.GetNames<T>().Select(LowerCase))}", value =>
        {
            var index = value is SettingsScalar scalar ? Array.FindIndex(Enum.GetNames<T>(), candidate => LowerCase(candidate) == scalar.Text) : -1;
            return index < 0 ? null : Enum.GetValues<T>()[index];
        });

    /// <inheritdoc cref="Int"/>
    internal IReadOnlyList<double> Doubles(string key, IReadOnlyList<double>? fallback = null)
    {
        _known.Add(key);
        if (!Has(key) && fallback is not null)
        {
            return fallback;
        }

        if (values.GetValueOrDefault(key) is IReadOnlyList<object?> list)
        {
            var numbers = list.Select(ParseDouble).OfType<double>().ToList();
            if (numbers.Count == list.Count)
            {
                return numbers;
            }
        }

        Refuse(key, "a list of numbers");
        return [];
    }

    /// <summary>Free text; null where the file says null, nothing, or what is no text.</summary>
    internal string? Text(string key)
    {
        _known.Add(key);
        if (Has(key) && values[key] is not (null or SettingsScalar))
        {
            Refuse(key, "text");
        }

        return Has(key) && values[key] is SettingsScalar scalar ? scalar.Text : null;
    }

    /// <summary>A section within this one; an empty one where the file says nothing.</summary>
    internal SettingsSection Section(string key, bool required)
    {
        _known.Add(key);
        if (values.GetValueOrDefault(key) is IReadOnlyDictionary<string, object?> inner)
        {
            return new SettingsSection(NameOf(key), inner, errors);
        }

        if (!required && (!Has(key) || values[key] is null))
        {
            return new SettingsSection(NameOf(key), new Dictionary<string, object?>(), errors);
        }

        // What is missing in a missing section would only repeat it.
        Refuse(key, "a section");
        return new SettingsSection(NameOf(key), new Dictionary<string, object?>(), new SettingsErrors());
    }

    /// <summary>Notes a setting that says anything other than the one value that this program can do, quoted or not.</summary>
    /// <param name="allowed">In lower case; <c>null</c> for null.</param>
    internal void Only(string key, string allowed)
    {
        _known.Add(key);
        var text = values.GetValueOrDefault(key) switch
        {
            null => "null",
            SettingsScalar scalar => scalar.Text,
            _ => null,
        };
        if (Has(key) && !allowed.Equals(text, StringComparison.OrdinalIgnoreCase))
        {
            Refuse(key, allowed);
        }
    }

    /// <summary>Notes a map or list that has not exactly so many entries.</summary>
    internal void OnlyCount(string key, int count)
    {
        _known.Add(key);
        var found = values.GetValueOrDefault(key) switch
        {
            IReadOnlyDictionary<string, object?> map => map.Count,
            IReadOnlyList<object?> list => list.Count,
            _ => -1,
        };
        if (Has(key) && found != count)
        {
            errors.Add(NameOf(key), $"{NameOf(key)} has {(found < 0 ? "no" : found.ToString(CultureInfo.InvariantCulture))} entries, it must have {count}");
        }
    }

    /// <summary>Declares settings that may stand here and change nothing in the graph.</summary>
    internal void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            _known.Add(key);
        }
    }

    /// <summary>Notes every setting that was never asked for: a misspelt one would otherwise be a default taken in silence.</summary>
    internal void RefuseUnknown()
    {
        foreach (var key in values.Keys.Where(key => !_known.Contains(key)))
        {
            errors.Add(NameOf(key), $"{NameOf(key)} is not a setting; known here: {string.Join(", ", _known.Order(StringComparer.Ordinal))}");
        }
    }

    /// <summary>Notes that the value of a setting does not fit.</summary>
    /// <param name="allowed">Goes on from "must be".</param>
    internal void Refuse(string key, string allowed) => errors.Add(NameOf(key), values.TryGetValue(key, out var value)
        ? $"{NameOf(key)} is {Show(value)}, it must be {allowed}"
        : $"{NameOf(key)} is missing, it must be {allowed}");

    internal string NameOf(string key) => name.Length == 0 ? key : $"{name}.{key}";

    private static int? Parse(object? value)
        => value is SettingsScalar { IsQuoted: false } scalar && int.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static double? ParseDouble(object? value)
        => value is SettingsScalar { IsQuoted: false } scalar
            && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : null;

    private static string LowerCase(string text) => text.ToLowerInvariant();

    private static string Show(object? value) => value switch
    {
        null => "null",
        SettingsScalar { Text.Length: > MaxShownLength } scalar => $"{scalar.Text[..MaxShownLength]}…",
        SettingsScalar { IsQuoted: true } scalar => $"'{scalar.Text}'",
        SettingsScalar scalar => scalar.Text,
        IReadOnlyDictionary<string, object?> => "a section",
        IReadOnlyList<object?> list when list.All(item => item is SettingsScalar) && list.Count <= 16 => $"[{string.Join(", ", list.Select(Show))}]",
        _ => "a list",
    };

    private T Read<T>(string key, T? fallback, string allowed, Func<object?, T?> parse)
        where T : struct
    {
        _known.Add(key);
        if (!Has(key) && fallback is { } value)
        {
            return value;
        }

        if (parse(values.GetValueOrDefault(key)) is { } parsed)
        {
            return parsed;
        }

        Refuse(key, allowed);
        return default;
    }
}
