using System.CommandLine;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>The program from arguments to exit code.</summary>
internal static class CommandLineApp
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host)
    {
        var root = CreateRoot(host);
        // `@file.jpg` is a file, and no list of further arguments.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is not TeachingHelp && UsageErrors.Of(parsed) is { Count: > 0 } errors)
        {
            foreach (var error in errors)
            {
                await host.Error.WriteLineAsync(Printable.Text($"error: {error}"));
            }

            var command = parsed.CommandResult.Command;
            var name = command is RootCommand ? "" : $"{command.Name} ";
            await host.Error.WriteLineAsync($"See `loupe-grpc-client {name}--help`.");
            return (int)ExitCode.WrongUsage;
        }

        return await CommandRunner.RunAsync(host, ServerOptions.AuthorityFile(parsed), async () =>
        {
            await using var output = host.CreateTextOutput();
            return (ExitCode)await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = output,
                    Error = host.Error,
                    EnableDefaultExceptionHandler = false,
                    // Signals are the host's business: a run drains before it ends.
                    ProcessTerminationTimeout = null,
                },
                CancellationToken.None);
        });
    }

    private static RootCommand CreateRoot(CliHost host)
    {
        var root = new RootCommand("Finds out whether pictures, videos and camera streams were manipulated, and where, with a LoupeGrpc server.")
        {
            AnalyzeCommand.Create(host),
            StreamCommand.Create(host),
            EvaluateCommand.Create(host),
            BenchCommand.Create(host),
            VerifyCommand.Create(host),
            InfoCommand.Create(host),
        };
        TeachingHelp.Install(root, new Dictionary<string, string>
        {
            [root.Name] = RootLesson,
            ["analyze"] = AnalyzeCommand.Lesson,
            ["stream"] = StreamCommand.Lesson,
            ["evaluate"] = EvaluateCommand.Lesson,
            ["bench"] = BenchCommand.Lesson,
            ["verify"] = VerifyCommand.Lesson,
            ["info"] = InfoCommand.Lesson,
        });
        return root;
    }

    private const string RootLesson = $"""
        Examples:
          loupe-grpc-client analyze holiday.jpg          is this picture forged?
          loupe-grpc-client analyze photos/ --save-overlays
          loupe-grpc-client stream interview.mp4 --fps 2
          loupe-grpc-client evaluate --list truth.csv    how good is it on my own pictures?
          loupe-grpc-client bench --streams 8            how fast is the server?
          loupe-grpc-client verify receipts.jsonl        do these verdicts still hold?
          loupe-grpc-client info

        Results go to standard output, everything for people to standard error.
        `loupe-grpc-client COMMAND --help` says more about each command.

        {TeachingHelp.ExitCodes}
        """;
}
