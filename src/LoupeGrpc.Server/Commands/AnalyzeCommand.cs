using System.CommandLine;
using LoupeGrpc.Launch;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>analyze</c>: pictures in, a folder of findings out, in one go. The client beside this program takes over, and starts a server for itself.</summary>
internal sealed class AnalyzeCommand
{
    private const string Client = "loupe-grpc-client";

    private readonly Argument<string> _input = new("IN") { Description = "A picture, or a folder of them." };

    private readonly Argument<string> _output = new("OUT") { Description = "Folder for what is found: report.html, results.jsonl, overlays/, masks/." };

    private readonly IReadOnlyList<string> _settings;

    private AnalyzeCommand(IReadOnlyList<string> settings) => _settings = settings;

    /// <param name="settings">From the command line, as configuration takes them.</param>
    public static Command Create(IReadOnlyList<string> settings)
    {
        var analyze = new AnalyzeCommand(settings);
        var command = new Verb(
            "analyze",
            "Analyses pictures into a folder, with a server for the time of the run: for containers, and whoever wants no server.",
            """
            Runs `loupe-grpc-client analyze IN --serve --output OUT`, which lies beside this program, with a report, overlays and masks. What OUT holds of an earlier
            run with the same model and settings is not analysed again. Further options are the client's: `loupe-grpc-client analyze --help`. Settings are those of
            the environment and of LOUPE_SETTINGS, and --Loupe:NAME=VALUE. Its sockets lie in the temporary folder (TMPDIR), which must be one that can be written.
            Exit codes are the client's: 0 all analysed, 10 something was manipulated, 20 something failed, 2 wrong usage, 69 the server did not start.

            Examples:
              loupe-grpc-server analyze photos/ findings/
              loupe-grpc-server analyze photos/ findings/ --explain zh --Loupe:Model:Path=/models/loupe-l14
              docker run --rm -v "$PWD/photos:/in:ro" -v "$PWD/findings:/out" loupe-grpc analyze /in /out
            """)
        {
            analyze._input,
            analyze._output,
        };
        // Options of the client, which says what is wrong with them.
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(analyze.Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        if (SiblingProgram.Find(Client, "../client") is not { } client)
        {
            result.InvocationConfiguration.Error.WriteLine($"error: {Client} is neither beside this program, where ./build.sh puts it, nor on the PATH");
            return ExitCode.Failure;
        }

        var (input, output) = (result.GetRequiredValue(_input), result.GetRequiredValue(_output));
        string[] arguments =
        [
            client, "analyze", "--serve", "--output", output, "--skip-done", "--save-overlays", "--save-masks", "--report", Path.Combine(output, "report.html"), .. result.UnmatchedTokens, "--", input,
        ];
        var problem = ProcessReplacement.To(client, arguments, _settings.Select(AsVariable));
        result.InvocationConfiguration.Error.WriteLine($"error: {client} cannot be started: {problem}");
        return ExitCode.Failure;
    }

    /// <summary>A setting as the environment has it: the client gives its own to the server that it starts.</summary>
    private static string AsVariable(string setting)
    {
        var end = setting.IndexOf('=', StringComparison.Ordinal);
        return $"{setting[2..end].Replace(":", "__", StringComparison.Ordinal)}={setting[(end + 1)..]}";
    }
}
