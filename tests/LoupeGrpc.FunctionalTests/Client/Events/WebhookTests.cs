using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CloudNative.CloudEvents;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;

namespace LoupeGrpc.FunctionalTests.Client.Events;

/// <summary>`stream --events webhook:…` against a real receiver, and what becomes of events when it is not there.</summary>
public sealed class WebhookTests : IAsyncDisposable
{
    private const int Frames = EventRun.Frames;

    private static readonly string[] Stream = ["stream", "--session", "gate"];

    private readonly EventRun _run = new();

    private string Outbox => _run.Outbox;

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task A_stream_is_told_from_its_start_to_its_end_as_signed_CloudEvents()
    {
        await using var receiver = await HookReceiver.StartAsync();
        await File.WriteAllTextAsync(_run.Folder["secret"], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", Patience.Token());

        var run = await RunAsync(receiver.Address, "--events-of", "results", "--events-secret", $"@{_run.Folder["secret"]}", "--format", "jsonl");

        Assert.Equal(10, run.ExitCode);
        var events = receiver.Requests.Select(static request => request.Event).ToList();
        Assert.Equal(
            ["stream.started", "result", "result", "result", "finding.started", "result", "result", "finding.ended", "result", "stream.ended"],
            events.Select(static told => told.Type!["loupe.v1.".Length..]));
        Assert.Equal(Enumerable.Range(1, events.Count).Select(static i => i.ToString("0000000000", CultureInfo.InvariantCulture)), events.Select(static told => told["sequence"]));
        Assert.Equal(events.Count, events.Select(static told => told.Id).Distinct().Count());
        Assert.All(events, static told => Assert.Equal(("/loupe-grpc-client/gate", "application/json"), (told.Source!.OriginalString, told.DataContentType)));

        // What is told of a frame is what is printed of it.
        Assert.Equal(run.Lines.Select(static line => line.ToJsonString()), events.Where(static told => told.Type == "loupe.v1.result").Select(static told => Data(told).ToJsonString()));
        Assert.Equal((2, 3, 2, 2), Numbers(Data(events[7])));
        Assert.Equal("""{"authentic":2,"manipulated":2,"uncertain":2}""", Data(events[^1])["outcomes"]!.ToJsonString());
        foreach (var request in receiver.Requests)
        {
            Assert.Equal("application/cloudevents+json; charset=utf-8", request.Headers["Content-Type"]);
            Assert.Equal(request.Event.Id, request.Headers["webhook-id"]);
            byte[] signed = [.. Encoding.ASCII.GetBytes($"{request.Event.Id}.{request.Headers["webhook-timestamp"]}."), .. request.Body];
            var key = Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
            Assert.Equal($"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, signed))}", request.Headers["webhook-signature"]);
        }

        static (int, int, int, int) Numbers(JsonNode data) => ((int)data["first_frame"]!, (int)data["last_frame"]!, (int)data["results"]!, (int)data["manipulated"]!);
    }

    [Fact]
    public async Task A_receiver_that_fails_gets_each_event_again_and_in_order()
    {
        int[] answers = [503, 200, 429, 500, 202, 404, 204];
        await using var receiver = await HookReceiver.StartAsync((number, context) =>
        {
            context.Response.Headers.RetryAfter = "0";
            if (number == answers.Length)
            {
                // It had the event, and its answer was lost.
                context.Abort();
            }

            return Task.FromResult(number < answers.Length ? answers[number] : 200);
        });

        var run = await RunAsync(receiver.Address);

        Assert.Equal(10, run.ExitCode);
        Assert.Contains("it answers 503 Service Unavailable", run.Error, StringComparison.Ordinal);
        var requests = receiver.Requests;
        Assert.Equal(["1", "1", "2", "2", "2", "3", "3", "4", "4"], requests.Select(static request => ((string)request.Event["sequence"]!).TrimStart('0')));
        Assert.All(requests.GroupBy(static request => request.Headers["webhook-id"]), static same => Assert.Single(same.Select(static request => Convert.ToBase64String(request.Body)).Distinct()));
        Assert.Equal("{\"loupe_outbox\":1}\n", await File.ReadAllTextAsync(Outbox, Patience.Token()));
    }

    [Fact]
    public async Task The_analysis_goes_on_while_the_receiver_is_away_and_it_hears_all_when_it_is_back()
    {
        var port = FreePort.Find();
        await using var process = await StartAsync($"webhook:http://127.0.0.1:{port}/hooks/secret-path", isGated: true, "--events-of", "results", "--events-wait", "180");
        _run.Server.Service.LetThrough(Frames - 1);
        await process.WaitForAsync(Patience.UntilAsync(() => process.Error.Contains("cannot be reached: Connection refused", StringComparison.Ordinal)));
        await process.WaitForAsync(Patience.UntilAsync(() => _run.InOutbox("result") == Frames - 1));

        await using var receiver = await HookReceiver.StartAsync(port: port);
        await process.WaitForAsync(receiver.TakenAsync(Frames));
        _run.Server.Service.LetThrough(1);
        var run = await process.EndAsync();

        Assert.Equal(10, run.ExitCode);
        Assert.Contains(" is back", run.Error, StringComparison.Ordinal);
        AssertWhole(receiver.Taken, "stream.ended");
        Assert.Equal(Frames, receiver.Taken.Count(static request => request.Event.Type == "loupe.v1.result"));
    }

    [Fact]
    public async Task A_receiver_that_stays_away_holds_up_nobody_and_the_next_run_tells_it_all()
    {
        var away = await RunAsync($"webhook:http://127.0.0.1:{FreePort.Find()}/hooks/secret-path", "--events-wait", "0", "--format", "jsonl");

        Assert.Equal(20, away.ExitCode);
        Assert.Equal(Frames, away.Lines.Count);
        Assert.Contains($"4 events not delivered; the next run with the outbox {Outbox} sends what is in it", away.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-path", away.Error, StringComparison.Ordinal);

        await using var receiver = await HookReceiver.StartAsync();
        var back = await RunAsync(receiver.Address);

        Assert.Equal(10, back.ExitCode);
        Assert.Contains($"4 events of an earlier run in {Outbox}, sent first", back.Error, StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3", "4", "1", "2", "3", "4"], receiver.Taken.Select(static request => ((string)request.Event["sequence"]!).TrimStart('0')));
        Assert.Equal(2, receiver.Taken.Select(static request => request.Event.Id!.Split('-')[0]).Distinct().Count());
    }

    [Fact]
    public async Task A_receiver_that_is_slow_holds_up_no_frame()
    {
        var answers = new TaskCompletionSource();
        await using var receiver = await HookReceiver.StartAsync(async (_, _) =>
        {
            await answers.Task.WaitAsync(Patience.Token());
            return 200;
        });
        await using var process = await StartAsync(receiver.Address, isGated: false, "--events-of", "results", "--events-wait", "180");

        await process.WaitForAsync(Patience.UntilAsync(() => _run.InOutbox("stream.ended") == 1));
        Assert.Empty(receiver.Requests);
        answers.SetResult();
        var run = await process.EndAsync();

        Assert.Equal(10, run.ExitCode);
        AssertWhole(receiver.Taken, "stream.ended");
        Assert.Equal(Frames, receiver.Taken.Count(static request => request.Event.Type == "loupe.v1.result"));
    }

    [Theory]
    [InlineData(410, "it answers 410 Gone")]
    [InlineData(401, "it answers 401 Unauthorized")]
    [InlineData(307, "redirects are not followed")]
    public async Task A_receiver_that_wants_nothing_from_us_is_asked_once(int status, string reason)
    {
        await using var receiver = await HookReceiver.StartAsync((_, context) =>
        {
            context.Response.Headers.Location = "/elsewhere";
            return Task.FromResult(status);
        });

        var run = await RunAsync(receiver.Address);

        Assert.Equal(20, run.ExitCode);
        Assert.Single(receiver.Requests);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Contains("no more are sent in this run", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, _run.InOutbox("stream.ended"));
    }

    [Fact]
    public async Task An_event_that_is_not_wanted_is_put_aside_and_holds_up_no_other()
    {
        await using var receiver = await HookReceiver.StartAsync(static (number, _) => Task.FromResult(number == 1 ? 422 : 200));

        var run = await RunAsync(receiver.Address);

        Assert.Equal(20, run.ExitCode);
        Assert.Equal(["1", "3", "4"], receiver.Taken.Select(static request => ((string)request.Event["sequence"]!).TrimStart('0')));
        Assert.Contains($"it is put aside in {Outbox}.refused", run.Error, StringComparison.Ordinal);
        var aside = Assert.Single(await File.ReadAllLinesAsync($"{Outbox}.refused", Patience.Token()));
        Assert.Equal("loupe.v1.finding.started", (string?)JsonNode.Parse(aside)!["type"]);
    }

    [Fact]
    public async Task Of_a_run_that_is_killed_nothing_is_lost_that_was_printed()
    {
        // Nobody listens, so that all is in the outbox when the program is killed in the middle of its work.
        await using (var process = await StartAsync(
            $"webhook:http://127.0.0.1:{FreePort.Find()}/hooks/secret-path", isGated: true, "--events-of", "results", "--format", "jsonl"))
        {
            _run.Server.Service.LetThrough(Frames - 2);
            await process.WaitForAsync(Patience.UntilAsync(() => Printed().Count == Frames - 2));
            await process.SignalAsync("KILL");
            await process.EndAsync();
        }

        var printed = Printed();
        await using var receiver = await HookReceiver.StartAsync();
        var next = await RunAsync(receiver.Address);

        Assert.Equal(10, next.ExitCode);
        var first = receiver.Taken.GroupBy(static request => request.Event.Id!.Split('-')[0]).First().ToList();
        Assert.Equal("loupe.v1.stream.started", first[0].Event.Type);
        Assert.Equal(Frames - 2, printed.Count);
        Assert.Equal(printed, first.Where(static request => request.Event.Type == "loupe.v1.result").Select(static request => Data(request.Event).ToJsonString()));
        AssertWhole(receiver.Taken.Skip(first.Count), "stream.ended");
    }

    [Fact]
    public async Task Its_certificate_is_checked()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Server();
        await File.WriteAllTextAsync(_run.Folder["ca.pem"], authority.Pem, Patience.Token());
        await using var receiver = await HookReceiver.StartAsync(certificate: certificate);

        await using (var distrusting = await StartAsync(receiver.Address, isGated: true, "--events-wait", "0"))
        {
            await distrusting.WaitForAsync(Patience.UntilAsync(() => distrusting.Error.Contains("its certificate is not believed", StringComparison.Ordinal)));
            _run.Server.Service.LetThrough(Frames);
            Assert.Equal(20, (await distrusting.EndAsync()).ExitCode);
            Assert.Empty(receiver.Requests);
        }

        var trusted = await RunAsync(receiver.Address, "--events-ca", _run.Folder["ca.pem"]);
        Assert.Equal(10, trusted.ExitCode);
        Assert.Equal(8, receiver.Taken.Count);
    }

    [Fact]
    public async Task An_outbox_is_used_by_one_run_at_a_time()
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var process = await StartAsync(receiver.Address, isGated: true);
        await process.WaitForAsync(receiver.TakenAsync(1));

        var second = await CliRun.OfAsync(["stream", _run.Folder["frames"], "--server", _run.Server.Address.ToString(), "--events", receiver.Address, "--events-outbox", Outbox]);
        _run.Server.Service.LetThrough(Frames);
        var first = await process.EndAsync();

        Assert.Equal(2, second.ExitCode);
        Assert.Contains($"error: the outbox {Outbox} is in use by another process", second.Error, StringComparison.Ordinal);
        Assert.Equal(10, first.ExitCode);
    }

    [Fact]
    public async Task Without_a_server_the_receiver_hears_that_the_stream_failed()
    {
        await using var receiver = await HookReceiver.StartAsync();

        var run = await CliRun.OfAsync(
            ["stream", _run.Folder["frames"], "--server", "http://127.0.0.1:1", "--connect-timeout", "0", "--events", receiver.Address, "--events-outbox", Outbox]);

        Assert.Equal(69, run.ExitCode);
        var told = Assert.Single(receiver.Taken).Event;
        Assert.Equal(("loupe.v1.stream.ended", "FAILED"), (told.Type, (string?)Data(told)["reason"]));
        Assert.Contains("127.0.0.1:1", (string?)Data(told)["message"], StringComparison.Ordinal);
    }

    /// <summary>Of one run: each event, in order.</summary>
    private static void AssertWhole(IEnumerable<HookRequest> requests, string last)
    {
        var events = requests.Select(static request => request.Event).ToList();
        Assert.Single(events.Select(static told => told.Id!.Split('-')[0]).Distinct());
        Assert.Equal(Enumerable.Range(1, events.Count), events.Select(static told => int.Parse((string)told["sequence"]!, CultureInfo.InvariantCulture)));
        Assert.Equal(("loupe.v1.stream.started", $"loupe.v1.{last}"), (events[0].Type, events[^1].Type));
    }

    private static JsonNode Data(CloudEvent told) => JsonNode.Parse(((JsonElement)told.Data!).GetRawText())!;

    /// <summary>Frames 2 and 3 are manipulated, the first two authentic, the last two neither.</summary>
    private static FakeAnalysisService Service(bool isGated) => new()
    {
        IsGated = isGated,
        Answer = static (frame, sequence) => FakeAnalysisService.Result(frame, sequence, frame.FrameId switch { < 2 => 0.1f, < 4 => 0.9f, _ => 0.5f }),
    };

    private List<string> Printed() => [.. _run.Rows.Split('\n').SkipLast(1).Select(static line => JsonNode.Parse(line)!.ToJsonString())];

    private async Task<CliRun> RunAsync(string address, params string[] arguments)
    {
        await _run.ServeAsync(Service(isGated: false));
        return await _run.RunAsync(Stream, address, arguments);
    }

    private async Task<ClientProcess> StartAsync(string address, bool isGated, params string[] arguments)
    {
        await _run.ServeAsync(Service(isGated));
        return _run.Start(Stream, address, arguments);
    }
}
