using System.CommandLine;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Commands;

/// <summary>The program's verbs.</summary>
internal static class ServerCommandLine
{
    /// <param name="output">Results and help.</param>
    /// <param name="error">Everything else for people.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var (settings, rest, mistake) = SettingArguments.Extract(arguments);
        var root = Build(settings);
        var result = root.Parse(rest);
        var problems = result.Errors.Select(static problem => problem.Message).ToList();
        if (mistake is not null)
        {
            problems.Add(mistake);
        }

        if (problems.Count > 0)
        {
            foreach (var problem in problems)
            {
                await error.WriteLineAsync($"error: {problem}").ConfigureAwait(false);
            }

            await error.WriteLineAsync($"Try: loupe-grpc-server {HelpVerb(result)}--help").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        (result.CommandResult.Command as Verb)?.ShowDetails();

        // The verbs end in their own time when told to.
        var invocation = new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = Timeout.InfiniteTimeSpan };
        return await result.InvokeAsync(invocation, cancellationToken).ConfigureAwait(false);
    }

    private static RootCommand Build(IReadOnlyList<string> settings)
    {
        var root = new RootCommand(
            """
            Decides for camera frames and pictures whether they were forged, and where. Clients connect over gRPC.

            Without a command it serves, on http://127.0.0.1:5005 and with the embedded demonstration model unless told otherwise.
            'loupe-grpc-server COMMAND --help' tells more, 'serve --help' every setting.
            """);
        new ServeCommand().AddTo(root, settings);
        var serve = new Verb("serve", "Serves a model until it is told to stop, then lets open sessions finish.", ServeDetails());
        new ServeCommand().AddTo(serve, settings);
        root.Add(serve);
        root.Add(ConvertCommand.Create());
        root.Add(CompileCommand.Create(settings));
        root.Add(InspectCommand.Create());
        root.Add(ProbeCommand.Create(settings));
        root.Add(TryProviderCommand.Create());
        return root;
    }

    private static string HelpVerb(ParseResult result) =>
        result.CommandResult.Command is RootCommand ? string.Empty : result.CommandResult.Command.Name + " ";

    private static string ServeDetails() =>
        $"""
        SIGTERM and Ctrl-C stop it. Prints one line on standard output when it can serve:
          ready http://127.0.0.1:5005 operations=http://127.0.0.1:5006 model=NAME@HASH8 provider=CPU precision=fp32
        Logs go to standard error. Exit codes: 0 stopped as told, 1 could not start, 2 wrong settings, 71 device lost.

        Every setting may stand in section Loupe of appsettings.json beside the program, in the environment
        (Loupe__Limits__MaxFrameBytes=...) and on the command line (--Loupe:Limits:MaxFrameBytes=...). The last wins.

        {string.Join(Environment.NewLine, LoupeOptionsReader.Describe().Select(static setting =>
            $"  Loupe:{setting.Name}{Environment.NewLine}      {setting.Meaning}; {setting.Wanted}. Default: {setting.Default}."))}
        """;
}
