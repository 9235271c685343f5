using System.Text;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.UnitTests.Server.Configuration;

/// <summary>What documents say of settings, written from the settings themselves.</summary>
internal static class SettingsDocuments
{
    /// <summary>Between these two lines of the README stands what is written here.</summary>
    private const string Begin = "<!-- settings: written by SettingsDocumentsTests -->";
    private const string End = "<!-- /settings -->";

    /// <summary>The README with the table of what most operators look for.</summary>
    public static string Readme(string readme)
    {
        var begin = readme.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = readme.IndexOf(End, StringComparison.Ordinal);
        return $"{readme[..begin]}\n{Table(SettingDescription.All.Where(IsInReadme))}{readme[end..]}";
    }

    /// <summary>The whole reference.</summary>
    public static string Reference()
    {
        var text = new StringBuilder(
            """
            # Settings

            Every setting of `loupe-grpc-server`. Each may stand in section `Loupe` of `appsettings.json` beside the program, in the environment
            (`Loupe__Limits__MaxFrameBytes`) and on the command line (`--Loupe:Limits:MaxFrameBytes`, or the option of its own that is named with it);
            the last of these wins. Names and words may be written in any case. A name that is unknown, a value out of its range: everything that is wrong
            is reported at once, with exit code 2.

            Numbers of bytes may have a unit (`KiB`, `MiB`, `GiB`, `TiB`), durations too (`ms`, `s`, `min`, `h`, `d`; a bare number is seconds, and
            `hh:mm:ss` is understood). Lists are separated by commas, or JSON arrays. `N` is a number from 0, `NAME` a name: of a model yours, of an option the provider's.

            Log levels stand in section `Logging`: `Logging:LogLevel:CATEGORY` is `Trace`, `Debug`, `Information`, `Warning`, `Error`, `Critical` or `None`.

            This page is written from the program; `loupe-grpc-server serve --help` shows the same.

            """);
        foreach (var section in SettingDescription.All.GroupBy(static setting => (setting.Section, setting.Title)))
        {
            text.Append($"\n## {section.Key.Title}\n\n").Append(Table(section));
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>Of the sections that are alike, one is enough.</summary>
    private static bool IsInReadme(SettingDescription setting) =>
        setting.Essential && !setting.Name.Contains($":{SettingDescription.AnyEntry}:", StringComparison.Ordinal) && !setting.Name.Contains(":TensorRT:", StringComparison.Ordinal);

    private static string Table(IEnumerable<SettingDescription> settings)
    {
        var text = new StringBuilder("| setting | default | range | what it is |\n|---|---|---|---|\n");
        foreach (var setting in settings)
        {
            var option = setting.Option is null ? string.Empty : $" (`{setting.Option}`)";
            text.Append($"| `{setting.Name}`{option} | {setting.Default} | {setting.Range} | {setting.Meaning} |\n");
        }

        return text.ToString();
    }
}
