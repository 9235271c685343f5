using System.Net;
using System.Text.Json.Nodes;
using Grpc.Core;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Models;

/// <summary>Several models in one server, by name.</summary>
public sealed class SeveralModelsTests(NanoEngine nano)
{
    private const int Frames = 4;

    private static ModelPackage Tiny => TestPackages.Tiny("tiny-l", PackageLayout.Fp32);

    [Fact]
    public async Task Each_gives_the_answers_that_it_gives_alone()
    {
        var (ofNano, ofTiny) = (await AloneAsync(nano.Package), await AloneAsync(Tiny));
        Assert.NotEqual(ofNano, ofTiny);

        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", Tiny));
        await using var server = await models.StartServerAsync();
        // At a time, with names and without.
        var answers = await Task.WhenAll(RunAsync(server, "tiny"), RunAsync(server, ""), RunAsync(server, "TINY"), RunAsync(server, "default"));

        Assert.Equal([ofTiny, ofNano, ofTiny, ofNano], answers);
    }

    [Fact]
    public async Task A_picture_goes_to_the_model_that_is_asked_for()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", Tiny));
        await using var server = await models.StartServerAsync();
        var picture = AdaptingStream.Frame(0).Frame.Encoded;

        var first = await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = picture }, cancellationToken: Patience.Token());
        var tiny = await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = picture, Model = "tiny" }, cancellationToken: Patience.Token());
        Assert.Equal((nano.Package.Hash, Tiny.Hash), (first.Model.Hash, tiny.Model.Hash));
        Assert.NotEqual(first.Result.Score, tiny.Result.Score);

        using var http = new HttpClient();
        using var body = new ByteArrayContent(picture.Data.ToByteArray());
        var answer = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze?model=tiny"), body, Patience.Token());
        Assert.Equal(tiny.Result.Score, (float)JsonNode.Parse(await answer.Content.ReadAsStringAsync(Patience.Token()))!["score"]!, 1e-6);
    }

    [Fact]
    public async Task The_client_and_its_tool_ask_by_name()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", Tiny));
        await using var server = await models.StartServerAsync();
        var picture = TestData.Golden("nano-tta", "scale", "frame-000.png");
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Server.Grpc });
        var expected = (await client.AnalyzeImageAsync(
            new EncodedFrame(await File.ReadAllBytesAsync(picture, Patience.Token())), new LoupeImageOptions { Model = "tiny" }, Patience.Token())).Result.Score;

        foreach (var verb in (string[])["analyze", "stream"])
        {
            var source = verb == "analyze" ? picture : Path.GetDirectoryName(picture)!;
            var run = await CliRun.OfAsync([verb, source, "--model", "tiny", "--server", server.Server.Grpc.ToString(), "--format", "jsonl"]);
            Assert.Equal(expected, (float)run.Lines[0]["score"]!, 1e-6);
            run = await CliRun.OfAsync([verb, source, "--model", "huge", "--server", server.Server.Grpc.ToString()]);
            Assert.Contains("model 'huge' is not served here: expected default or tiny", run.Error, StringComparison.Ordinal);
        }

        var info = await CliRun.OfAsync(["info", "--server", server.Server.Grpc.ToString()]);
        Assert.Contains($"tiny: tiny-l 1 {Tiny.ShortHash} on CPU fp32, 0 sessions", info.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_not_there_is_refused_with_those_that_are()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", Tiny));
        await using var server = await models.StartServerAsync();
        const string Names = "model 'huge' is not served here: expected default or tiny, or none for default";

        using var session = server.Call();
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession { Model = "huge" } });
        var failure = (await session.FailureAsync()).Failure;
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains(Names, failure.Status.Detail, StringComparison.Ordinal);

        failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.AnalyzeImageAsync(
            new AnalyzeImageRequest { Encoded = AdaptingStream.Frame(0).Frame.Encoded, Model = "huge" }, cancellationToken: Patience.Token()));
        Assert.Equal((StatusCode.InvalidArgument, Names), (failure.StatusCode, failure.Status.Detail));

        using var http = new HttpClient();
        using var body = new ByteArrayContent([1]);
        var answer = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze?model=huge"), body, Patience.Token());
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("expected default or tiny", await answer.Content.ReadAsStringAsync(Patience.Token()), StringComparison.Ordinal);
        Assert.Equal(0, server.Sessions.Count);
        Assert.All(models.Shelf.List(), static model => Assert.Equal(0, model.Users));
    }

    /// <summary>Answers stand in headers, lines and terminals.</summary>
    [Fact]
    public async Task A_name_that_cannot_be_one_is_shown_no_further_than_it_should()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = server.Call();
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession { Model = "\u001b[2J\n" + new string('x', 1 << 20) } });

        var failure = (await session.FailureAsync()).Failure;

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains($"model '\uFFFD[2J\uFFFD{new string('x', 59)}…' is not served here", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_server_says_which_it_has_and_who_is_on_them()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", Tiny));
        await using var server = await models.StartServerAsync();
        using var session = await server.OpenAsync(new OpenSession { Model = "tiny" });
        Assert.Equal(Tiny.Hash, session.Grant.Model.Hash);

        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.Equal(nano.Package.Hash, info.Model.Hash);
        Assert.Equal(
            [("default", nano.Package.Hash, 0u, false, "CPU"), ("tiny", Tiny.Hash, 1u, false, "CPU")],
            info.Models.Select(static model => (model.Name, model.Model.Hash, model.Sessions, model.Leaving, model.Execution.Provider)));

        using var http = new HttpClient();
        var page = JsonNode.Parse(await http.GetStringAsync(new Uri(server.Server.Operations, "/info"), Patience.Token()))!["models"]!.AsArray();
        Assert.Equal(
            [("default", nano.Package.Hash, 0), ("tiny", Tiny.Hash, 1)], page.Select(static model => ((string?)model!["name"]!, (string?)model["hash"]!, (int)model["sessions"]!)));
        var ready = await http.GetStringAsync(new Uri(server.Server.Operations, "/healthz/ready"), Patience.Token());
        Assert.Contains("model tiny", ready, StringComparison.Ordinal);
        var metrics = await http.GetStringAsync(new Uri(server.Server.Operations, "/metrics"), Patience.Token());
        Assert.Matches($$"""loupe_model_sessions\{[^}]*hash="{{Tiny.Hash}}",model="tiny"\} 1|loupe_model_sessions\{[^}]*model="tiny",hash="{{Tiny.Hash}}"\} 1""", metrics);
    }

    /// <summary>One account for all of them: whoever comes last pushes out the state not used for the longest time, whichever model it is of.</summary>
    [Fact]
    public async Task Adaptation_states_of_all_models_share_their_budget()
    {
        await using var models = await TestShelf.LoadAsync(("default", nano.Package), ("tiny", Tiny));
        var state = models.Shelf.Default.CreateAdaptation(new Engine.Adaptation.AdaptationSettings()).MaxSizeInBytes;
        await using var server = await RunningServer.StartAsync(
            models.Shelf, models.Options with { Adaptation = new Server.Configuration.AdaptationOptions { MaxStateBytes = state } }, log: models.Log);
        using var first = await server.OpenAsync(AdaptingStream.Open());
        Assert.Empty(first.Grant.Unavailable);

        var open = AdaptingStream.Open();
        open.Model = "tiny";
        using var second = await server.OpenAsync(open);

        Assert.Empty(second.Grant.Unavailable);
        Assert.Equal(SessionEventKind.AdaptationEvicted, (await first.NextAsync()).Event.Kind);
    }

    private static async Task<string> AloneAsync(ModelPackage package)
    {
        await using var models = await TestShelf.LoadAsync(("default", package));
        await using var server = await models.StartServerAsync();
        return await RunAsync(server, string.Empty);
    }

    /// <summary>All outcomes, without what time leaves in them.</summary>
    private static async Task<string> RunAsync(RunningServer server, string model)
    {
        var open = AdaptingStream.Open();
        open.Model = model;
        using var session = await server.OpenAsync(open);
        return string.Join('\n', (await AdaptingStream.RunAsync(session, Frames)).Select(AdaptingStream.Essence));
    }
}
