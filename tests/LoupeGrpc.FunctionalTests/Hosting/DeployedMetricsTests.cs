using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>What dashboards, alert rules and documents under <c>deploy/</c> and <c>docs/</c> ask for is there.</summary>
public sealed partial class DeployedMetricsTests(NanoEngine engine)
{
    public static TheoryData<string> Texts =>
    [
        "deploy/prometheus/loupe-alerts.yml", "deploy/prometheus/loupe-alerts.test.yml", "deploy/grafana/loupe-grpc.json",
        "deploy/kubernetes/overlays/replicas/autoscaling.yaml", "docs/operations.md",
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Each_metric_is_one_of_the_servers(string file)
    {
        var known = new ConcurrentDictionary<string, Instrument>(StringComparer.Ordinal);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) => known.TryAdd(NameOf(instrument), instrument);
        listener.Start();
        // With all that has metrics of its own; that the store is not there changes none.
        await using var server = await RunningServer.StartAsync(
            engine.Analyzer, new LoupeOptions { Sessions = new() { Store = $"redis://127.0.0.1:{FreePort.Find()}" } });
        using var http = new HttpClient();
        // Some of the framework's are made when they are first asked for.
        _ = await http.GetStringAsync(new Uri(server.Server.Operations, "/metrics"), Patience.Token());

        var asked = Metric().Matches(await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, file), Patience.Token()))
            .Select(static match => match.Value).Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.NotEmpty(asked);
        Assert.DoesNotContain(asked, name => !known.ContainsKey(name) && !IsPartOfHistogram(name));

        bool IsPartOfHistogram(string name) =>
            Part().Match(name) is { Success: true } part && known.TryGetValue(part.Groups[1].Value, out var whole) && whole.GetType().Name.StartsWith("Histogram", StringComparison.Ordinal);
    }

    /// <summary>A state that no provider is ever in would be an alert that never fires.</summary>
    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Each_state_of_a_provider_is_one_that_it_can_be_in(string file)
    {
        var states = Enum.GetNames<LoupeGrpc.Execution.RungState>().Select(static state => state.ToLowerInvariant()).ToHashSet();
        var asked = Rung().Matches(await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, file), Patience.Token())).Select(static match => match.Groups[1].Value);
        Assert.All(asked, state => Assert.Contains(state, states));
    }

    [Fact]
    public async Task A_call_is_counted_by_its_route_and_the_status_it_ended_with()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        await Assert.ThrowsAsync<RpcException>(async () => await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest(), cancellationToken: Patience.Token()));

        // Counted when the request is over, which its client may know first; servers of other tests count into the same instrument.
        using var http = new HttpClient();
        var token = Patience.Token();
        while (!Counted().IsMatch(await http.GetStringAsync(new Uri(server.Server.Operations, "/metrics"), token)))
        {
            await Task.Delay(20, token);
        }
    }

    /// <summary>As Prometheus has it: the unit behind the name, and what only grows called a total.</summary>
    private static string NameOf(Instrument instrument)
    {
        var unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => string.Empty,
        };
        var name = instrument.Name.Replace('.', '_');
        var counts = instrument.GetType().Name.StartsWith("Counter", StringComparison.Ordinal) || instrument.GetType().Name.StartsWith("ObservableCounter", StringComparison.Ordinal);
        return $"{name}{(name.EndsWith(unit, StringComparison.Ordinal) ? string.Empty : unit)}{(counts ? "_total" : string.Empty)}";
    }

    // Not the program loupe_decoder.
    [GeneratedRegex(@"\b(?!loupe_decoder)(loupe|http_server|dotnet|kestrel)_[a-z_]+[a-z]\b")]
    private static partial Regex Metric();

    [GeneratedRegex("""http_server_request_duration_seconds_count\{[^}]*http_route="/loupe.v1.ForgeryAnalysisService/AnalyzeImage"[^}]*rpc_grpc_status_code="3"[^}]*\} [1-9]""")]
    private static partial Regex Counted();

    [GeneratedRegex("""loupe_execution_rung\{[^}]*state=\\?"([a-z]*)""")]
    private static partial Regex Rung();

    [GeneratedRegex("^(.*)_(bucket|sum|count)$")]
    private static partial Regex Part();
}
