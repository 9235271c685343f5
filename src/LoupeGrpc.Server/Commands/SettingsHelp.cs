using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Commands;

/// <summary>The usual help of a command, and below that of <c>serve</c> every setting: a line each, by section.</summary>
internal sealed class SettingsHelp(HelpAction usual) : SynchronousCommandLineAction
{
    /// <summary>Columns that the lines fit into.</summary>
    public const int Width = 100;

    /// <summary>Asking for help about a command line that is incomplete is not an error.</summary>
    public override bool ClearsParseErrors => true;

    public static void Install(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        var usual = (HelpAction)help.Action!;
        usual.MaxWidth = Width;
        help.Action = new SettingsHelp(usual);
    }

    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        (command as Verb)?.ShowDetails();
        var result = usual.Invoke(parseResult);
        if (command.Name == ServeCommand.Name)
        {
            WriteSettings(parseResult.InvocationConfiguration.Output);
        }

        return result;
    }

    /// <summary>Each line: name, meaning, range in parentheses, default in brackets.</summary>
    public static void WriteSettings(TextWriter output)
    {
        output.WriteLine(
            """
            Settings:
              Each may stand in appsettings.json beside the program, in the file that LOUPE_SETTINGS names,
              in the environment and on the command line; the last wins. Here the largest frame, in each form:
                { "Loupe": { "Limits": { "MaxFrameBytes": "64 MiB" } } }
                Loupe__Limits__MaxFrameBytes=67108864
                --Loupe:Limits:MaxFrameBytes=64MiB
              Bytes may have a unit (KiB, MiB, GiB, TiB), durations too (ms, s, min, h; without one: seconds, or
              hh:mm:ss). Lists are separated by commas. Log levels stand in section Logging, as in
              --Logging:LogLevel:Default=Warning. Below: setting, meaning, (range), [default].
            """);
        foreach (var section in SettingDescription.All.GroupBy(static setting => (setting.Section, setting.Title)))
        {
            output.WriteLine();
            output.WriteLine($"  {section.Key.Title}:");
            var width = section.Max(static setting => setting.Name.Length);
            foreach (var setting in section)
            {
                var range = setting.Range.Length > 0 ? $" ({setting.Range})" : string.Empty;
                output.WriteLine($"    {setting.Name.PadRight(width)}  {setting.Meaning}{range} [{setting.Default}]");
            }
        }
    }
}
