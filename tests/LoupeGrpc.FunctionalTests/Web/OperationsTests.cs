using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Web;

/// <summary><c>/v1/operations</c>: how the server does. Who may have it is held by <c>EveryDoorTests</c>.</summary>
public sealed class OperationsTests : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Sessions_are_counted_and_nothing_of_what_was_found_in_them_is_told()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.987f) });
        Assert.Equal((0, 0), await CountAsync(server));
        using var session = await server.OpenAsync(new OpenSession { SessionName = "<b>gate\u202e 3\u001b[31m</b>", Client = "camera <script>" });
        for (ulong frame = 0; frame < 3; frame++)
        {
            await session.SendFrameAsync(frame);
            await session.NextAsync();
        }

        var text = await _http.GetStringAsync(new Uri(server.Server.Web!, "/v1/operations"), Patience.Token());
        var view = JsonNode.Parse(text)!;

        var told = Assert.Single(view["sessions"]!.AsArray())!;
        Assert.Equal(session.Grant.SessionId, (string?)told["id"]);
        // Nothing that turns a line or is markup to whoever forgets to escape it.
        Assert.Equal(("<b>gate\uFFFD 3\uFFFD[31m</b>", "camera <script>", "a stranger"), ((string?)told["name"], (string?)told["client"], (string?)told["owner"]));
        Assert.DoesNotContain('<', text);
        Assert.Equal((3, 3, 0, 0, 0), ((int)told["frames"]!, (int)told["results"]!, (int)told["in_flight"]!, (int)told["dropped"]!, (int)told["failed"]!));
        Assert.Null(told["parked_since"]);
        Assert.DoesNotContain("MANIPULATED", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("0.98", text, StringComparison.Ordinal);
        Assert.DoesNotContain("score", text, StringComparison.OrdinalIgnoreCase);
        Assert.True((bool)view["ready"]!);
        Assert.Equal("serving", (string?)view["models"]![0]!["rungs"]![0]!["state"]);
        Assert.Equal(["receiving", "frames", "responses", "adaptation"], view["memory"]!.AsArray().Select(static part => (string?)part!["kind"]));
        Assert.All(view["memory"]!.AsArray(), static part => Assert.InRange((long)part!["held"]!, 0, (long)part["limit"]!));
        Assert.Equal((0, 0), ((int)view["queue"]!["waiting"]!, (int)view["queue"]!["inside"]!));

        await session.CompleteAsync();
        await session.RestAsync();
        await UntilAsync(server, static view => (int)view["open_sessions"]! == 0 && view["sessions"]!.AsArray().Count == 0);
    }

    [Fact]
    public async Task What_waits_is_told_with_its_age_and_a_session_without_a_connection_as_such()
    {
        using var gated = new GatedAnalyzer(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        await using var server = await RunningServer.StartAsync(gated, RunningServer.LongWindow);
        using var open = gated.OpenAtEnd();
        using var connection = server.Connect();
        using var session = await connection.OpenAsync(new OpenSession { Resumable = true });
        for (ulong frame = 0; frame < 8; frame++)
        {
            await session.SendFrameAsync(frame);
        }

        await UntilAsync(server, static view => (int)view["sessions"]![0]!["in_flight"]! == 8 && (int)view["queue"]!["inside"]! + (int)view["queue"]!["waiting"]! == 8);
        await server.BreakAsync(connection);
        Assert.NotNull((await ViewAsync(server))["sessions"]![0]!["parked_since"]);
    }

    private async Task<JsonNode> ViewAsync(RunningServer server) =>
        JsonNode.Parse(await _http.GetStringAsync(new Uri(server.Server.Web!, "/v1/operations"), Patience.Token()))!;

    private async Task UntilAsync(RunningServer server, Func<JsonNode, bool> condition)
    {
        while (!condition(await ViewAsync(server)))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), Patience.Token());
        }
    }

    private async Task<(int Open, int Listed)> CountAsync(RunningServer server)
    {
        var view = await ViewAsync(server);
        return ((int)view["open_sessions"]!, view["sessions"]!.AsArray().Count);
    }
}
