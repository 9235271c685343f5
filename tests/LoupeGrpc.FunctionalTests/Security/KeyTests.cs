using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Inference;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Inference;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;
using Reflected = Grpc.Reflection;

namespace LoupeGrpc.FunctionalTests.Security;

public sealed class KeyTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    private string Keys => _files["keys.json"];

    private LoupeOptions Options => new() { Security = new SecurityOptions { Keys = Keys } };

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task What_is_wrong_is_said_and_nothing_of_a_key_is_logged()
    {
        var key = await SecureServer.AddKeyAsync(Keys, "gate-3");
        var metrics = await SecureServer.AddKeyAsync(Keys, "prometheus", Role.Observe);
        await using var server = await SecureServer.StartAsync(Options);

        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(key)));
        var unknown = await SecureServer.RefusalAsync(server.Calls());
        var wrong = await SecureServer.RefusalAsync(server.Calls(key[..^1] + (key[^1] == 'A' ? 'B' : 'A')));
        var forbidden = await SecureServer.RefusalAsync(server.Calls(metrics));

        Assert.Equal(
            (StatusCode.Unauthenticated, "this server wants to know who calls: send a key or a token as 'authorization: Bearer …', or show a certificate"),
            (unknown.StatusCode, unknown.Status.Detail));
        Assert.Equal((StatusCode.Unauthenticated, "the key is not known here, or was revoked"), (wrong.StatusCode, wrong.Status.Detail));
        Assert.Equal(
            (StatusCode.PermissionDenied, "key:prometheus has the role observe, and this needs analyse"), (forbidden.StatusCode, forbidden.Status.Detail));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains(key[8..20], StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_revoked_key_ends_its_session_and_nobody_elses()
    {
        var gone = await SecureServer.AddKeyAsync(Keys, "gone");
        var stays = await SecureServer.AddKeyAsync(Keys, "stays");
        var analyzer = new ScriptedAnalyzer();
        await using var server = await SecureServer.StartAsync(Options, analyzer: analyzer);
        using var ended = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(gone)));
        using var other = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(stays)));
        await ended.SendFrameAsync(1);
        await analyzer.NextAsync();

        await SecureServer.RevokeKeyAsync(Keys, "gone");
        var (before, failure) = await ended.FailureAsync();

        Assert.Equal(
            (StatusCode.Unauthenticated, "the key that the session was opened with was revoked"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal(SessionEventKind.Terminated, Assert.Single(before, static response => response.Event is not null).Event.Kind);
        Assert.Equal(1ul, Assert.Single(before, static response => response.Outcome is not null).Outcome.FrameId);
        Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls(gone)));

        await other.SendFrameAsync(7);
        (await analyzer.NextAsync()).Succeed();
        Assert.NotNull((await other.NextOutcomeAsync()).Result);
    }

    /// <summary>What it holds is given back, and whoever gets a key of the same name later does not get its sessions.</summary>
    [Fact]
    public async Task A_revoked_key_ends_its_session_that_waits_to_be_resumed()
    {
        var gone = await SecureServer.AddKeyAsync(Keys, "gone");
        await using var server = await SecureServer.StartAsync(Options);
        var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(gone)), new OpenSession { Resumable = true });
        var token = session.Grant.ResumeToken;
        session.Dispose();
        await Patience.UntilAsync(() => server.Sessions.List().Single().ParkedSince is not null);

        await SecureServer.RevokeKeyAsync(Keys, "gone");
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Contains(server.Log.Lines, line => line.Contains($"Session {session.Grant.SessionId}: revoked", StringComparison.Ordinal));

        var again = await SecureServer.AddKeyAsync(Keys, "gone");
        server.Server.Reload();
        using var other = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(again)), new OpenSession { ResumeToken = token });
        Assert.False(other.Grant.Resumed);
    }

    [Fact]
    public async Task A_revoked_key_ends_its_stream_of_the_inference_protocol()
    {
        var gone = await SecureServer.AddKeyAsync(Keys, "gone");
        await using var server = await SecureServer.StartAsync(Options);
        using var call = new GRPCInferenceService.GRPCInferenceServiceClient(server.Calls(gone)).ModelStreamInfer(cancellationToken: Patience.Token());
        await call.RequestStream.WriteAsync(Infer.Files([1]), Patience.Token());
        Assert.True(await call.ResponseStream.MoveNext(Patience.Token()));

        await SecureServer.RevokeKeyAsync(Keys, "gone");

        var refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Patience.Token()));
        Assert.Equal((StatusCode.Unauthenticated, "the key that the session was opened with was revoked"), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Fact]
    public async Task A_revoked_key_ends_its_streams_of_services_that_know_no_keys()
    {
        var gone = await SecureServer.AddKeyAsync(Keys, "gone");
        await using var server = await SecureServer.StartAsync(Options);
        using var first = new Reflected.V1.ServerReflection.ServerReflectionClient(server.Calls(gone)).ServerReflectionInfo(cancellationToken: Patience.Token());
        using var second = new Reflected.V1Alpha.ServerReflection.ServerReflectionClient(server.Calls(gone)).ServerReflectionInfo(cancellationToken: Patience.Token());
        await first.RequestStream.WriteAsync(new Reflected.V1.ServerReflectionRequest { ListServices = string.Empty }, Patience.Token());
        await second.RequestStream.WriteAsync(new Reflected.V1Alpha.ServerReflectionRequest { ListServices = string.Empty }, Patience.Token());
        Assert.True(await first.ResponseStream.MoveNext(Patience.Token()));
        Assert.True(await second.ResponseStream.MoveNext(Patience.Token()));

        await SecureServer.RevokeKeyAsync(Keys, "gone");

        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => first.ResponseStream.MoveNext(Patience.Token()))).StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => second.ResponseStream.MoveNext(Patience.Token()))).StatusCode);
    }

    /// <summary>An administrator changes the keys of a service that runs as another user.</summary>
    [Fact]
    public async Task A_file_that_is_changed_stays_whose_it_was()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "files can be given away by root alone");
        await SecureServer.AddKeyAsync(Keys, "first");
        Assert.Equal(0, await ShellAsync($"chown 1234:2345 '{Keys}' && chmod 640 '{Keys}'"));

        await SecureServer.AddKeyAsync(Keys, "second");
        await SecureServer.RevokeKeyAsync(Keys, "first");

        Assert.Equal(0, await ShellAsync($"test \"$(stat -c %u:%g:%a '{Keys}')\" = 1234:2345:640"));
    }

    private static async Task<int> ShellAsync(string command)
    {
        using var shell = Process.Start("sh", ["-c", command]);
        await shell.WaitForExitAsync(Patience.Token());
        return shell.ExitCode;
    }

    [Fact]
    public async Task A_broken_file_changes_nothing_and_a_whole_one_everything()
    {
        var first = await SecureServer.AddKeyAsync(Keys, "first");
        var time = new FakeTimeProvider();
        await using var server = await SecureServer.StartAsync(Options, time: time);
        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(first)));
        var whole = await File.ReadAllTextAsync(Keys, Patience.Token());

        foreach (var broken in new[] { whole[..(whole.Length / 2)], "", "{}", whole.Replace("analyse", "analyze", StringComparison.Ordinal), whole.Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal) })
        {
            await File.WriteAllTextAsync(Keys, broken, Patience.Token());
            server.Server.Reload();
            Assert.Contains("Loupe:Security:Keys has changed and cannot be used", server.Log.TakeError(), StringComparison.Ordinal);
            Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(first)));
        }

        File.Delete(Keys);
        server.Server.Reload();
        Assert.Contains("is not there", server.Log.TakeError(), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Keys, whole, Patience.Token());
        var second = await SecureServer.AddKeyAsync(Keys, "second");
        await Patience.UntilAsync(() =>
        {
            time.Advance(FileReload.Interval);
            return server.Log.Lines.Any(static line => line.Contains("2 in all, 1 new or changed, 0 revoked", StringComparison.Ordinal));
        });
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(first)));
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(second)));
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_file_that_was_refused_for_its_mode_counts_when_that_is_mended_and_a_pipe_holds_up_nothing()
    {
        var first = await SecureServer.AddKeyAsync(Keys, "first");
        var one = await File.ReadAllTextAsync(Keys, Patience.Token());
        var second = await SecureServer.AddKeyAsync(Keys, "second");
        await using var server = await SecureServer.StartAsync(Options, time: new FakeTimeProvider());
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(second)));

        File.SetUnixFileMode(Keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        await File.WriteAllTextAsync(Keys, one, Patience.Token());
        server.Server.Reload();
        Assert.Contains("chmod o-w", server.Log.TakeError(), StringComparison.Ordinal);
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(second)));

        File.SetUnixFileMode(Keys, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        server.Server.Reload();
        Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls(second)));
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(first)));

        File.Delete(Keys);
        using (var pipe = System.Diagnostics.Process.Start("mkfifo", [Keys]))
        {
            await pipe.WaitForExitAsync(Patience.Token());
        }

        await Task.Run(server.Server.Reload, Patience.Token()).WaitAsync(Patience.Token());
        Assert.Contains("cannot be used", server.Log.TakeError(), StringComparison.Ordinal);
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(first)));
    }

    [Fact]
    public async Task Strangers_come_in_where_that_is_asked_for_and_are_no_administrators()
    {
        await SecureServer.AddKeyAsync(Keys, "gate-3");
        var options = Options;
        await using var server = await SecureServer.StartAsync(options with { Security = options.Security with { Open = true }, Admin = new AdminOptions { Enabled = true } });

        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls()));
        Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls(AccessKey.NewSecret())));
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Calls());
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token()));
        Assert.Equal((StatusCode.PermissionDenied, "a stranger has the role analyse, observe, and this needs admin"), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Fact]
    public async Task A_client_with_a_key_and_headers_goes_on_after_each_break_and_sends_them_once()
    {
        var key = await SecureServer.AddKeyAsync(Keys, "gate-3");
        await using var server = await SecureServer.StartAsync(Options);
        await using var proxy = new CuttingProxy(server.Server.Grpc, [new(AfterSent: 120_000), new(AfterSent: 120_000), new(AfterReceived: 600)]);
        using var client = new LoupeClient(new LoupeClientOptions { Address = proxy.Address, Key = key, Headers = new Dictionary<string, string> { ["x-site"] = "north" } });
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Name = "gate" }, Patience.Token());
        var reading = session.Results(Patience.Token()).ToListAsync(Patience.Token());
        for (var i = 0; i < 8; i++)
        {
            await session.SendAsync(new EncodedFrame(new byte[40_000]) { FrameId = (ulong)i }, Patience.Token());
        }

        var summary = await session.CompleteAsync(Patience.Token());
        var outcomes = await reading;
        Assert.Equal((8ul, 3), (summary.Results, proxy.Resets));
        Assert.Equal(Enumerable.Range(0, 8).Select(static i => (ulong)i), outcomes.Select(static outcome => outcome.FrameId));
    }

    [Fact]
    public async Task A_session_is_resumed_by_whose_it_is_and_by_nobody_else()
    {
        var owner = await SecureServer.AddKeyAsync(Keys, "owner");
        var thief = await SecureServer.AddKeyAsync(Keys, "thief");
        await using var server = await SecureServer.StartAsync(Options);
        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(owner)), new OpenSession { Resumable = true });
        var token = session.Grant.ResumeToken;

        using var stolen = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(thief)), new OpenSession { ResumeToken = token });
        using var invented = await RunningServer.OpenAsync(
            SecureServer.Call(server.Calls(thief)), new OpenSession { ResumeToken = ByteString.CopyFrom(new byte[32]) });

        // Nothing tells a token of somebody else from one that never was.
        Assert.False(stolen.Grant.Resumed);
        Assert.Equal(invented.Grant.Unavailable, stolen.Grant.Unavailable);
        Assert.NotEqual(session.Grant.SessionId, stolen.Grant.SessionId);
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        session.Dispose();
        using var resumed = await RunningServer.OpenAsync(
            SecureServer.Call(server.Calls(owner)), new OpenSession { ResumeToken = token, ResponsesReceived = session.Received });
        Assert.Equal((true, session.Grant.SessionId), (resumed.Grant.Resumed, resumed.Grant.SessionId));
    }
}
