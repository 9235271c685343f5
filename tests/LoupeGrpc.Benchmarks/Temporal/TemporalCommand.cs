using System.CommandLine;
using System.Globalization;
using LoupeGrpc.Benchmarks.Scaling;
using LoupeGrpc.Client;

namespace LoupeGrpc.Benchmarks.Temporal;

/// <summary><c>temporal</c>: what verdicts over time are worth, on made clips whose truth is known: how often the verdict changes, and how late what is forged is found.</summary>
internal static class TemporalCommand
{
    private static readonly Option<string?> Server = new("--server")
    {
        HelpName = "URL",
        Description = "A server that runs already. [default: out/loupe-grpc-server is started, with the embedded model]",
    };

    public static Command Create()
    {
        var command = new Command("temporal", "Verdicts over time on clips made of the samples: changes and flips before and after, and delay against what is stated.") { Server };
        command.SetAction(static async (result, cancellationToken) =>
        {
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(Server) is { } address)
            {
                return await RunAsync(new Uri(address), output, cancellationToken);
            }

            await using var server = await ReplicaProcess.StartAsync(null, [], cancellationToken);
            return await RunAsync(server.Grpc, output, cancellationToken);
        });
        return command;
    }

    /// <returns>1 where something was found later than stated.</returns>
    private static async Task<int> RunAsync(Uri server, TextWriter output, CancellationToken cancellationToken)
    {
        using var client = new LoupeClient(new LoupeClientOptions { Address = server });
        output.WriteLine("| clip, 25 frames a second | changes | over time | flips | over time | false alarms | over time | found after | stated | segments | scenes |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|");
        var isLate = false;
        foreach (var clip in MadeClip.All)
        {
            var judged = await JudgedClip.AskAsync(client, clip, cancellationToken);
            var delays = judged.Delays().ToList();
            isLate |= delays.Any(static delay => delay.Stated is { } stated && !(delay.Found <= stated));
            var (own, overTime) = judged.FalseAlarms;
            string[] cells =
            [
                clip.Name,
                Text(JudgedClip.Changes(judged.Own)),
                Text(JudgedClip.Changes(judged.OverTime)),
                Text(JudgedClip.Flips(judged.Own)),
                Text(JudgedClip.Flips(judged.OverTime)),
                Text(own),
                Text(overTime),
                List(delays.Select(static delay => Text(delay.Found))),
                List(delays.Select(static delay => Text(delay.Stated))),
                List(judged.Segments.Select(static segment => $"{segment.FirstSequence}-{segment.LastSequence}")) + (judged.Truth.Count > 0 ? $" of {List(judged.Truth.Select(static forged => $"{forged.From}-{forged.To - 1}"))}" : ""),
                Text((int)judged.Scenes),
            ];
            output.WriteLine($"| {string.Join(" | ", cells)} |");
        }

        output.WriteLine(isLate ? "Found later than stated." : "Nothing was found later than stated.");
        return isLate ? 1 : 0;
    }

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "never";

    private static string List(IEnumerable<string> all) => string.Join(", ", all) is { Length: > 0 } list ? list : "-";
}
