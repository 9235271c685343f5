using System.Text.Json.Nodes;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Security;

public sealed class AuditTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    private string Keys => _files["keys.json"];

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Who_opened_resumed_administered_was_refused_and_ended_is_kept()
    {
        var gate = await SecureServer.AddKeyAsync(Keys, "gate-3", sessions: 1);
        var boss = await SecureServer.AddKeyAsync(Keys, "boss", Role.Admin);
        var options = RunningServer.LongWindow with
        {
            Security = new SecurityOptions { Keys = Keys },
            Admin = new AdminOptions { Enabled = true },
            Audit = new AuditOptions { File = _files["audit.jsonl"] },
        };
        string id;
        await using (var server = await SecureServer.StartAsync(options))
        {
            Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls("loupe_wrong")));
            using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(gate)), new OpenSession { Resumable = true, SessionName = "north" });
            id = session.Grant.SessionId;
            await session.SendFrameAsync(1);
            await session.NextOutcomeAsync();
            using var second = SecureServer.Call(server.Calls(gate));
            await second.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
            await second.FailureAsync();
            using var resumed = await RunningServer.OpenAsync(
                SecureServer.Call(server.Calls(gate)), new OpenSession { ResumeToken = session.Grant.ResumeToken, ResponsesReceived = 1 });
            await new SessionAdminService.SessionAdminServiceClient(server.Calls(boss)).TerminateSessionAsync(
                new TerminateSessionRequest { SessionId = id, Reason = "maintenance" }, cancellationToken: Patience.Token());
            await Patience.UntilAsync(() => server.Sessions.Count == 0);
        }

        var entries = (await File.ReadAllLinesAsync(_files["audit.jsonl"], Patience.Token())).Select(static line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(
            ["refused ", "opened key:gate-3", "refused key:gate-3", "taken_over key:gate-3", "administered key:boss", "ended key:gate-3"],
            entries.Select(static entry => $"{entry["event"]} {entry["identity"]}"));
        Assert.Equal("/loupe.v1.ForgeryAnalysisService/GetServerInfo", (string?)entries[0]["path"]);
        Assert.Equal((id, "north"), ((string?)entries[1]["session"], (string?)entries[1]["name"]));
        Assert.Contains("all the sessions that it may have", (string?)entries[2]["reason"], StringComparison.Ordinal);
        Assert.Equal(("terminate", id, "maintenance"), ((string?)entries[4]["action"], (string?)entries[4]["session"], (string?)entries[4]["reason"]));
        Assert.Equal((id, 1, 1), ((string?)entries[5]["session"], (int)entries[5]["frames"]!, (int)entries[5]["results"]!));
        Assert.All(entries, static entry => Assert.NotEmpty((string)entry["peer"]!));
        Assert.DoesNotContain(gate, entries.Select(static entry => entry.ToJsonString()), StringComparer.Ordinal);
    }
}
