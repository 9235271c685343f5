using System.Text.Json;
using System.Text.Json.Nodes;
using CloudNative.CloudEvents;
using LoupeGrpc.FunctionalTests.Infrastructure;

namespace LoupeGrpc.FunctionalTests.Client.Events;

/// <summary>`analyze --events` against a real receiver: the same outbox, the same promises, and each picture for itself.</summary>
public sealed class PictureEventTests : IAsyncDisposable
{
    private readonly EventRun _run = new();

    public ValueTask DisposeAsync() => _run.DisposeAsync();

    [Fact]
    public async Task Each_picture_that_is_manipulated_or_failed_is_told_and_how_the_run_ended()
    {
        await _run.ServeAsync(Service());
        await using var receiver = await HookReceiver.StartAsync();

        var run = await _run.RunAsync(["analyze"], receiver.Address, "--format", "jsonl");

        Assert.Equal(10, run.ExitCode);
        Assert.Equal(["run.started", "finding", "finding", "run.ended"], Types(receiver));
        Assert.All(receiver.Taken, static request => Assert.Equal("/loupe-grpc-client/analyze", request.Event.Source!.OriginalString));
        var found = receiver.Taken.Select(static request => Data(request.Event)).ToList();
        Assert.Null(found[0]["source"]);
        Assert.Equal("fake-model", (string?)found[0]["model"]!["name"]);
        Assert.Equal([1, 2], found[1..3].Select(static told => (int)told["finding"]!));
        // The lines that were printed, without their masks.
        var printed = run.Lines.Where(static line => (string?)line["verdict"] == "MANIPULATED").Select(static line => WithoutMask(line).ToJsonString());
        Assert.Equal(printed, found[1..3].Select(static told => told["result"]!.ToJsonString()));
        Assert.Equal(("COMPLETED", EventRun.Frames, 2, 0), ((string?)found[^1]["reason"], (int)found[^1]["pictures"]!, (int)found[^1]["findings"]!, (int)found[^1]["losses"]!));
        Assert.Equal("""{"authentic":2,"manipulated":2,"uncertain":2}""", found[^1]["outcomes"]!.ToJsonString());
    }

    [Fact]
    public async Task All_outcomes_are_told_where_they_are_wanted_and_pictures_that_cannot_be_read()
    {
        await _run.ServeAsync(Service());
        await using var receiver = await HookReceiver.StartAsync();

        var run = await _run.RunAsync(["analyze", _run.Folder["not-there.jpg"]], receiver.Address, "--events-of", "results", "--format", "jsonl");

        Assert.Equal(20, run.ExitCode);
        Assert.Equal(["run.started", "result", "result", "result", "finding", "result", "finding", "result", "result", "result", "loss", "run.ended"], Types(receiver));
        Assert.Equal(
            run.Lines.Select(static line => line.ToJsonString()),
            receiver.Taken.Where(static request => request.Event.Type == "loupe.v1.result").Select(static request => Data(request.Event).ToJsonString()));
        var loss = Data(receiver.Taken[^2].Event);
        Assert.Equal((1, "NOT_FOUND"), ((int)loss["loss"]!, (string?)loss["result"]!["error"]!["code"]));
    }

    /// <summary>A run that is killed has told, or left in its outbox, all that it printed and all that it would pass over.</summary>
    [Fact]
    public async Task A_run_that_goes_on_where_one_was_killed_has_told_of_every_picture()
    {
        await _run.ServeAsync(Service(isGated: true));
        string[] analyze = ["analyze", "--skip-done", "--output", _run.Folder["out"]];
        await using (var process = _run.Start(analyze, $"webhook:http://127.0.0.1:{FreePort.Find()}/hook", "--events-of", "results", "--format", "jsonl"))
        {
            _run.Server.Service.LetThrough(3);
            await process.WaitForAsync(Patience.UntilAsync(() => _run.Rows.Split('\n').Length > 3));
            await process.SignalAsync("KILL");
            await process.EndAsync();
        }

        await _run.ServeAsync(Service());
        await using var receiver = await HookReceiver.StartAsync();
        var run = await _run.RunAsync(analyze, receiver.Address, "--events-of", "results");

        Assert.Equal(10, run.ExitCode);
        var told = receiver.Taken.Where(static request => request.Event.Type == "loupe.v1.result").Select(static request => Path.GetFileName((string?)Data(request.Event)["path"])).ToList();
        Assert.Equal(Enumerable.Range(0, EventRun.Frames).Select(static i => $"{i}.jpg"), told.Distinct());
        var ended = Data(receiver.Taken[^1].Event);
        Assert.Equal(("loupe.v1.run.ended", 3), (receiver.Taken[^1].Event.Type, (int)ended["outcomes"]!["skipped"]!));
        Assert.Equal(EventRun.Frames, (int)ended["pictures"]!);
    }

    [Fact]
    public async Task Without_a_server_the_receiver_hears_that_the_run_failed()
    {
        await using var receiver = await HookReceiver.StartAsync();

        var run = await CliRun.OfAsync(
            ["analyze", _run.Folder["frames"], "--server", "http://127.0.0.1:1", "--connect-timeout", "0", "--events", receiver.Address, "--output", _run.Folder["out"]]);

        Assert.Equal(69, run.ExitCode);
        Assert.Equal(("loupe.v1.run.ended", "FAILED"), (Assert.Single(receiver.Taken).Event.Type, (string?)Data(receiver.Taken[0].Event)["reason"]));
        Assert.True(File.Exists(_run.Folder["out", "events", "analyze.outbox"]));
    }

    private static IEnumerable<string> Types(HookReceiver receiver) => receiver.Taken.Select(static request => request.Event.Type!["loupe.v1.".Length..]);

    private static JsonNode Data(CloudEvent told) => JsonNode.Parse(((JsonElement)told.Data!).GetRawText())!;

    private static JsonObject WithoutMask(JsonNode line)
    {
        var copy = line.DeepClone().AsObject();
        copy.Remove("mask");
        return copy;
    }

    /// <summary>Frames 2 and 3 are manipulated, the first two authentic, the last two neither.</summary>
    private static FakeAnalysisService Service(bool isGated = false) => new()
    {
        IsGated = isGated,
        Answer = static (frame, sequence) => FakeAnalysisService.Result(frame, sequence, frame.FrameId switch { < 2 => 0.1f, < 4 => 0.9f, _ => 0.5f }),
    };
}
