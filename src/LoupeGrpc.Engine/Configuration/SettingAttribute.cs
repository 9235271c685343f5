namespace LoupeGrpc.Engine.Configuration;

/// <summary>
/// Makes a property a setting: whoever reads settings finds it, and its range in the validation attributes beside this one. Help and documents are
/// written from both.
/// </summary>
/// <param name="meaning">A phrase that fits one line of help, beginning in lower case and without a full stop.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string meaning) : Attribute
{
    public string Meaning => meaning;

    /// <summary>What is shown for a default that is empty or depends on the machine; null: the default itself.</summary>
    public string? DefaultText { get; init; }

    /// <summary>The command line's own option for it, as <c>--listen</c>; null: none.</summary>
    public string? Option { get; init; }

    /// <summary>Whether it is one of the few that most operators look for.</summary>
    public bool Essential { get; init; }
}

/// <summary>Makes a property a section of settings: one record, or a list of them under numbers or names.</summary>
/// <param name="title">A phrase that heads the section in help.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingSectionAttribute(string title) : Attribute
{
    public string Title => title;

    /// <summary>As it is written in settings; null: as the property.</summary>
    public string? Name { get; init; }

    /// <summary>Of a list: the property of an entry, a string, that is the name it stands under; null: entries stand under numbers.</summary>
    public string? Key { get; init; }

    /// <summary>The record's properties that are settings here; null: all of them.</summary>
    public string[]? Only { get; init; }
}
