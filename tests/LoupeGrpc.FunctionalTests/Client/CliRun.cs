using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Commands;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>The program run in this process, and what it left.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output with `--format jsonl`.</summary>
    public IReadOnlyList<JsonNode> Lines => field ??= Output.StartsWith('{')
        ? [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line, documentOptions: new JsonDocumentOptions())!)]
        : [];

    public static async Task<CliRun> OfAsync(string[] args, Stream? input = null)
    {
        using var output = new MemoryStream();
        await using var error = new StringWriter();
        using var host = new CliHost(output, error, input ?? Stream.Null);
        var exitCode = await CommandLineApp.RunAsync(args, host);
        return new CliRun(exitCode, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }
}
