using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`bench` against servers that answer at once, never, and as the embedded model does.</summary>
public sealed class BenchTests(NanoEngine nano) : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_closed_loop_explains_what_it_saw_by_what_the_server_says()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var source = Path.Combine(TestData.RepositoryRoot, "samples");
        var before = await RunAsync(server, "--streams", "2", "--window", "2", "--seconds", "1", "--warm-up", "0", "--mask", "always", "--source", source, "--json");
        var figures = JsonNode.Parse(before.Output)!;
        Assert.Equal((0, 2, 2, "closed"), (before.ExitCode, (int)figures["streams"]!, (int)figures["window"]!, (string)figures["load"]!));
        var results = (long)figures["outcomes"]!["result"]!;
        Assert.Equal((results, results), ((long)figures["latency_ms"]!["count"]!, (long)figures["age_ms"]!["count"]!));
        Assert.InRange(results, 4, long.MaxValue);
        var stages = figures["server_stage_ms"]!.AsObject();
        Assert.All((string[])["decode", "encode", "segment", "mask", "total"], stage => Assert.True((double)stages[stage]! > 0, stage));
        var explained = figures["explained_ms"]!;
        Assert.InRange((double)explained["server"]!, (double)explained["stages"]! * 0.999, (double)explained["outside"]!);

        var file = _folder["before.json"];
        await File.WriteAllTextAsync(file, before.Output, Patience.Token());
        var plot = _folder["latency.svg"];
        var after = await RunAsync(server, "--streams", "2", "--seconds", "1", "--warm-up", "0", "--source", source, "--compare", file, "--plot", plot);
        Assert.Equal(0, after.ExitCode);
        Assert.Contains("the load was another then: 2 streams, 2 frames of each in flight", after.Output, StringComparison.Ordinal);
        Assert.Matches("frames a second +[0-9.]+ +[0-9.]+ +[0-9.-]+", after.Output);
        await PlotAssert.ShowsAsync(plot, "Latency by percentile", "now", "then");
    }

    [Theory]
    [InlineData("--rate", "50", 50)]
    [InlineData("--rate", "50", 50, "--streams", "4")]
    [InlineData("--trace", "", 6, "--streams", "2")]
    public async Task Every_frame_that_was_due_has_its_place_in_the_figures(string option, string value, int due, params string[] more)
    {
        if (value.Length == 0)
        {
            value = _folder["trace.txt"];
            // Both forms; the last is due when all is over.
            await File.WriteAllTextAsync(value, "7\n7.1\n{\"path\":\"a\",\"time_s\":7.2}\n8\n", Patience.Token());
        }

        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        var run = await RunAsync(server, [option, value, .. more, "--seconds", "1", "--warm-up", "0", "--json", "--source", Picture()]);
        Assert.Equal(0, run.ExitCode);
        var outcomes = JsonNode.Parse(run.Output)!["outcomes"]!;
        Assert.Equal(due, (int)outcomes["result"]! + (int)outcomes["unsent"]!);
    }

    /// <summary>Frames that could not be asked for count with what they had waited by the end: no coordinated omission.</summary>
    [Fact]
    public async Task A_server_that_holds_up_its_clients_does_not_look_the_better_for_it()
    {
        var held = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(held, new LoupeOptions { Limits = new() { Credits = 1 } });
        var running = RunAsync(server, "--rate", "50", "--seconds", "1", "--warm-up", "0", "--json", "--source", Picture());
        var first = await held.NextAsync();
        // Until nothing is sent any more.
        await Task.Delay(TimeSpan.FromSeconds(1.2), TestContext.Current.CancellationToken);
        first.Succeed();
        var run = await running;
        var figures = JsonNode.Parse(run.Output)!;
        Assert.Equal((0, 1, 49), (run.ExitCode, (int)figures["outcomes"]!["result"]!, (int)figures["outcomes"]!["unsent"]!));
        Assert.Equal(50, (int)figures["latency_ms"]!["count"]!);
        Assert.InRange((double)figures["latency_ms"]!["p50"]!, 400, double.MaxValue);
    }

    [Theory]
    [InlineData("--window must be 1 to 4096.", "--window", "0")]
    [InlineData("--window is for the closed loop: leave it out with --rate and --trace.", "--window", "2", "--rate", "3")]
    [InlineData("--arrivals goes with --rate.", "--arrivals", "poisson")]
    [InlineData("--rate must be above 0, and 1000000 at most.", "--rate", "0")]
    [InlineData("--plot must end in .png or .svg.", "--plot", "a.gif")]
    [InlineData("error: --trace not-there: Could not find file", "--trace", "not-there")]
    [InlineData("error: --compare /dev/null: this is not what `bench --json` wrote", "--compare", "/dev/null")]
    public async Task Wrong_usage_is_named(string message, params string[] arguments)
    {
        var run = await CliRun.OfAsync(["bench", .. arguments]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    private static Task<CliRun> RunAsync(RunningServer server, params string[] arguments) => CliRun.OfAsync(["bench", "--server", server.Server.Grpc.ToString(), .. arguments]);

    private static string Picture() => Path.Combine(TestData.RepositoryRoot, "samples", "authentic-coffee.jpg");
}
