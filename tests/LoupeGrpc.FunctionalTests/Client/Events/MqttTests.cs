using System.Globalization;
using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;

namespace LoupeGrpc.FunctionalTests.Client.Events;

/// <summary>`stream --events mqtt://…` against a real broker, mosquitto, that goes and comes back.</summary>
public sealed class MqttTests : IAsyncLifetime
{
    private const int Frames = EventRun.Frames;

    private readonly EventRun _run = new();

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Mosquitto.IsInstalled, Mosquitto.Missing);
        await _run.ServeAsync(new FakeAnalysisService { IsGated = true });
    }

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task A_broker_that_goes_and_comes_back_hears_everything_in_order()
    {
        await using var broker = await Mosquitto.StartAsync();
        await broker.ListenAsync();
        await using var process = Start(broker.Address("loupe/gate"), "--events-of", "results", "--events-wait", "180");
        _run.Server.Service.LetThrough(2);
        await process.WaitForAsync(broker.HeardAsync(static heard => Events(heard).Count == 3));

        await broker.GoAsync();
        _run.Server.Service.LetThrough(2);
        await process.WaitForAsync(Patience.UntilAsync(() => process.Error.Contains("they wait in", StringComparison.Ordinal)));
        await broker.ComeBackAsync();
        await process.WaitForAsync(broker.HeardAsync(static heard => Distinct(heard).Count == 5));
        _run.Server.Service.LetThrough(2);
        var run = await process.EndAsync();
        await broker.HeardAsync(static heard => heard[^1].Payload == "offline");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(" is back", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", run.Error, StringComparison.Ordinal);
        var events = Distinct(broker.Heard);
        Assert.Equal(Enumerable.Range(1, Frames + 2), events.Select(static told => int.Parse((string)told["sequence"]!, CultureInfo.InvariantCulture)));
        Assert.Equal(Enumerable.Range(0, Frames), events.Where(static told => (string?)told["type"] == "loupe.v1.result").Select(static told => (int)told["data"]!["frame_id"]!));
        Assert.Equal("online", broker.Heard.First(static heard => heard.Topic == "loupe/gate/available").Payload);
    }

    [Fact]
    public async Task A_broker_that_was_away_between_events_is_told_that_somebody_watches()
    {
        await using var broker = await Mosquitto.StartAsync();
        await broker.ListenAsync();
        await using var process = Start(broker.Address("loupe/gate"));
        await process.WaitForAsync(broker.HeardAsync(static heard => Events(heard).Count == 1));

        // What it retained it has forgotten: whoever says it now is the program.
        await broker.GoAsync(forgets: true);
        await process.WaitForAsync(Patience.UntilAsync(() => process.Error.Contains("they wait in", StringComparison.Ordinal)));
        await broker.ComeBackAsync();

        await process.WaitForAsync(broker.HeardAsync(static heard => heard.Count(static one => one is { Topic: "loupe/gate/available", Payload: "online" }) >= 2));
        await process.WaitForAsync(Patience.UntilAsync(() => process.Error.Contains(" is back", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task When_the_program_is_killed_the_broker_says_so_and_the_next_run_tells_what_is_left()
    {
        await using var broker = await Mosquitto.StartAsync();
        await broker.ListenAsync();
        await using (var process = Start(broker.Address("loupe/gate"), "--events-of", "results"))
        {
            _run.Server.Service.LetThrough(2);
            await process.WaitForAsync(broker.HeardAsync(static heard => Events(heard).Count == 3));
            await process.SignalAsync("KILL");
            await process.EndAsync();
        }

        await broker.HeardAsync(static heard => heard[^1] == ("loupe/gate/available", "offline"));
        await broker.GoAsync();
        await using (var process = Start(broker.Address("loupe/gate"), "--events-of", "results"))
        {
            _run.Server.Service.LetThrough(4);
            await process.WaitForAsync(Patience.UntilAsync(() => _run.InOutbox("result") == 4));
            await process.SignalAsync("KILL");
            await process.EndAsync();
        }

        await broker.ComeBackAsync();
        _run.Server.Service.LetThrough(Frames);
        await using var last = Start(broker.Address("loupe/gate"), "--events-of", "results");
        var run = await last.EndAsync();
        await broker.HeardAsync(static heard => heard[^1].Payload == "offline");

        Assert.Equal(0, run.ExitCode);
        var runs = Distinct(broker.Heard).GroupBy(static told => ((string)told["id"]!).Split('-')[0]).Select(static one => one.Select(static told => (string)told["type"]!).ToList()).ToList();
        Assert.Equal([3, 5, Frames + 2], runs.Select(static one => one.Count));
        Assert.All(runs, static one => Assert.Equal("loupe.v1.stream.started", one[0]));
        Assert.Equal("loupe.v1.stream.ended", runs[^1][^1]);
    }

    [Fact]
    public async Task Over_TLS_its_certificate_is_checked()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Server();
        TestAuthority.Write(certificate, _run.Folder["broker.pem"], _run.Folder["broker.key"]);
        await File.WriteAllTextAsync(_run.Folder["ca.pem"], authority.Pem, Patience.Token());
        await using var broker = await Mosquitto.StartAsync((_run.Folder["broker.pem"], _run.Folder["broker.key"]));
        await broker.ListenAsync(_run.Folder["ca.pem"]);

        await using var distrusting = Start(broker.Address("loupe/gate", scheme: "mqtts"), "--events-wait", "0");
        await distrusting.WaitForAsync(Patience.UntilAsync(() => distrusting.Error.Contains("its certificate is not believed", StringComparison.Ordinal)));
        _run.Server.Service.LetThrough(Frames);
        Assert.Equal(20, (await distrusting.EndAsync()).ExitCode);
        Assert.Empty(Events(broker.Heard));

        _run.Server.Service.LetThrough(Frames);
        await using var trusting = Start(broker.Address("loupe/gate", scheme: "mqtts"), "--events-ca", _run.Folder["ca.pem"]);
        Assert.Equal(0, (await trusting.EndAsync()).ExitCode);
        await broker.HeardAsync(static heard => Distinct(heard).Count == 4);
    }

    [Theory]
    [InlineData("cam:wr0ng@", "it does not accept user and password")]
    [InlineData("", "it wants user and password")]
    public async Task A_wrong_password_is_told_and_not_shown(string credentials, string reason)
    {
        await using var broker = await Mosquitto.StartAsync();
        await using var process = Start(broker.Address("loupe/gate", credentials));
        await process.WaitForAsync(Patience.UntilAsync(() => process.Error.Contains("no more are sent in this run", StringComparison.Ordinal)));
        _run.Server.Service.LetThrough(Frames);

        var run = await process.EndAsync();

        Assert.Equal(20, run.ExitCode);
        Assert.Contains($"{reason}", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("wr0ng", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, _run.InOutbox("stream.ended"));
    }

    [Fact]
    public async Task A_topic_that_is_not_ours_is_told()
    {
        await using var broker = await Mosquitto.StartAsync(topics: "loupe/other/#");
        _run.Server.Service.LetThrough(Frames);
        await using var process = Start(broker.Address("loupe/gate"));

        var run = await process.EndAsync();

        Assert.Equal(20, run.ExitCode);
        Assert.Contains("it does not let us publish to loupe/gate/available", run.Error, StringComparison.Ordinal);
    }

    private static List<JsonNode> Events(IEnumerable<(string Topic, string Payload)> heard) =>
        [.. heard.Where(static one => one.Topic == "loupe/gate").Select(static one => JsonNode.Parse(one.Payload)!)];

    /// <summary>At least once is more than once now and then.</summary>
    private static List<JsonNode> Distinct(IEnumerable<(string Topic, string Payload)> heard) => [.. Events(heard).DistinctBy(static told => (string)told["id"]!)];

    private ClientProcess Start(string address, params string[] arguments) => _run.Start(["stream", "--session", "gate"], address, arguments);
}
