using System.CommandLine;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs.Video;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>`info`: what is served.</summary>
internal static class InfoCommand
{
    public const string Lesson = """
        Examples:
          loupe-grpc-client info
          loupe-grpc-client info --server https://loupe.example.org --json | jq .limits

        Sizes are bytes unless they say otherwise; 0 is no limit. The last line is about this machine: `stream` reads videos, cameras and network
        streams with the programs ffmpeg and ffprobe (Debian, Ubuntu: apt-get install ffmpeg).

        Exit codes: 0, 2 (wrong usage), 69 (server unreachable), 70 (internal error), 77 (not let in), 130 (interrupted).
        """;

    public static Command Create(CliHost host)
    {
        var json = new Option<bool>("--json") { Description = "One JSON object instead of lines for people." };
        var server = new ServerOptions(host);
        var command = new Command("info", "Show the server's model, what runs it, its limits, and what it does not have.") { json };
        server.AddTo(command);
        command.SetAction(async (result, _) =>
        {
            using var client = await LoupeClient.ConnectAsync(server.Read(result), host.Interrupt);
            var info = ServerInfoView.From(ServerOptions.Show(client.Address), await client.GetServerInfoAsync(host.Interrupt));
            await using var output = host.CreateTextOutput();
            if (result.GetValue(json))
            {
                await output.WriteLineAsync(info.ToJson());
            }
            else
            {
                foreach (var line in info.ToLines())
                {
                    await output.WriteLineAsync(Printable.Text(line));
                }

                await output.WriteLineAsync(Printable.Text($"{"videos here",-12} {await VideosAsync(host.Interrupt)}"));
            }

            return (int)ExitCode.NothingFound;
        });
        return command;
    }

    /// <summary>What this machine has to read videos with; the server has no part in it.</summary>
    private static async Task<string> VideosAsync(CancellationToken cancellationToken)
    {
        try
        {
            return $"read with {await VideoTools.FindAsync(cancellationToken)}";
        }
        catch (ProgramUnavailableException error)
        {
            return $"no: {error.Message}";
        }
    }
}
