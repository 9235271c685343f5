using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The usual help of a command, and below it what a newcomer needs: examples and exit codes.</summary>
internal sealed class TeachingHelp(HelpAction usual, IReadOnlyDictionary<string, string> lessons) : SynchronousCommandLineAction
{
    public const string ExitCodes = """
        Exit codes:
          0    all analysed and nothing manipulated
          10   something manipulated
          20   some inputs failed, were missing, or a folder held no pictures, or something could not be written (wins over 10)
          2    wrong usage
          69   server unreachable
          70   internal error
          77   the server does not let us in: --key, --cert
          130  interrupted (Ctrl-C): what was in flight is drained first
        """;

    /// <summary>Asking for help about a command line that is incomplete is no mistake.</summary>
    public override bool ClearsParseErrors => true;

    public static void Install(RootCommand root, IReadOnlyDictionary<string, string> lessons)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new TeachingHelp((HelpAction)help.Action!, lessons);
    }

    public override int Invoke(ParseResult parseResult)
    {
        var result = usual.Invoke(parseResult);
        if (lessons.TryGetValue(parseResult.CommandResult.Command.Name, out var lesson))
        {
            parseResult.InvocationConfiguration.Output.WriteLine(lesson);
        }

        return result;
    }
}
