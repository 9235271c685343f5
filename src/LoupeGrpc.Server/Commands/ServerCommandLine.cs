using System.CommandLine;
using System.CommandLine.Parsing;
using LoupeGrpc.Launch;

namespace LoupeGrpc.Server.Commands;

/// <summary>The program's verbs.</summary>
internal static class ServerCommandLine
{
    /// <param name="output">Results and help.</param>
    /// <param name="error">Everything else for people.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        error = new MessageWriter(error);
        try
        {
            return await ParseAndRunAsync(arguments, new ResultWriter(output), error, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Not by a task: there may be no memory for its thread.
            error.WriteLine($"error: {CommandFailure.Explain(exception)}");
            return ExitCode.Failure;
        }
    }

    private static async Task<int> ParseAndRunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var (settings, rest, settingError) = SettingArguments.Extract(arguments);
        var root = Build(settings);
        var result = root.Parse(rest);
        var problems = result.Errors.Select(problem => problem.Message + WordSuggestion.ForProblem(result, problem.Message)).ToList();
        if (settingError is not null)
        {
            problems.Add(settingError);
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

        // The verbs end in their own time when told to.
        var invocation = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
            EnableDefaultExceptionHandler = false,
        };
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
        root.Add(ServeCommand.Create(settings));
        root.Add(AnalyzeCommand.Create(settings));
        root.Add(ConvertCommand.Create());
        root.Add(CalibrateCommand.Create(settings));
        root.Add(CompileCommand.Create(settings));
        root.Add(InspectCommand.Create());
        root.Add(ProbeCommand.Create(settings));
        root.Add(KeyCommand.Create());
        root.Add(HealthCommand.Create(settings));
        root.Add(TryProviderCommand.Create());
        SettingsHelp.Install(root);
        return root;
    }

    /// <summary>The command with those above it: <c>key add </c>.</summary>
    private static string HelpVerb(ParseResult result)
    {
        var verbs = string.Empty;
        for (SymbolResult? at = result.CommandResult; at is CommandResult { Command: not RootCommand } command; at = at.Parent)
        {
            verbs = $"{command.Command.Name} {verbs}";
        }

        return verbs;
    }
}
