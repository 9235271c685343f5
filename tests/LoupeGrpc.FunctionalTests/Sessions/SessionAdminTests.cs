using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Sessions;

public class SessionAdminTests
{
    private static readonly LoupeOptions Enabled = new() { Admin = new AdminOptions { Enabled = true } };

    [Fact]
    public async Task Every_call_is_unimplemented_unless_it_is_switched_on()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        Func<Task>[] calls =
        [
            async () => await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token()),
            async () => await admin.GetSessionAsync(new GetSessionRequest(), cancellationToken: Patience.Token()),
            async () => await admin.TerminateSessionAsync(new TerminateSessionRequest(), cancellationToken: Patience.Token()),
            async () => await admin.ReloadModelAsync(new ReloadModelRequest(), cancellationToken: Patience.Token()),
        ];
        foreach (var call in calls)
        {
            var failure = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal(StatusCode.Unimplemented, failure.StatusCode);
            Assert.Contains("Loupe:Admin:Enabled", failure.Status.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Sessions_are_listed_oldest_first_and_shown_one_by_one()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, Enabled);
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        using var first = await server.OpenAsync(new OpenSession { SessionName = "gate 1", Client = "test/1" });
        using var second = await server.OpenAsync(new OpenSession { SessionName = "gate 2" });
        await first.SendFrameAsync(1);
        await first.SendFrameAsync(2);
        (await analyzer.NextAsync()).Succeed(0.9f);
        await first.NextOutcomeAsync();
        await analyzer.NextAsync();

        var list = await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token());
        Assert.Equal(["gate 1", "gate 2"], list.Sessions.Select(static session => session.SessionName));
        var info = (await admin.GetSessionAsync(
            new GetSessionRequest { SessionId = first.Grant.SessionId }, cancellationToken: Patience.Token())).Session;
        Assert.Equal(("test/1", 2ul, 1u, 1ul), (info.Client, info.Frames, info.InFlight, info.Manipulated));
        Assert.Contains("127.0.0.1", info.Peer, StringComparison.Ordinal);
        Assert.NotNull(info.Opened);

        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await admin.GetSessionAsync(new GetSessionRequest { SessionId = "none" }, cancellationToken: Patience.Token()));
        Assert.Equal(StatusCode.NotFound, failure.StatusCode);
    }

    /// <summary>Not what a session would run on that opens now.</summary>
    [Fact]
    public async Task Each_session_is_shown_with_what_it_runs_on()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, Enabled);
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        using var first = await server.OpenAsync();
        analyzer.Execution = new ExecutionDescription("CUDA", "fp16", "H100");
        using var second = await server.OpenAsync();
        Assert.Equal([("CPU", "fp32", ""), ("CUDA", "fp16", "H100")], await ShownAsync());

        analyzer.Next = new ExecutionDescription("TensorRT", "fp16", "H100");
        await first.SendFrameAsync(1);
        (await analyzer.NextAsync()).Succeed();
        Assert.Equal([("TensorRT", "fp16", "H100"), ("CUDA", "fp16", "H100")], await ShownAsync());

        async Task<IEnumerable<(string, string, string)>> ShownAsync() =>
            (await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token())).Sessions
            .Select(static session => (session.Execution.Provider, session.Execution.Precision, session.Execution.Device));
    }

    [Fact]
    public async Task A_terminated_session_gets_its_outcomes_the_reason_and_aborted()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, Enabled);
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        var inside = await analyzer.NextAsync();
        var request = new TerminateSessionRequest { SessionId = session.Grant.SessionId, Reason = "camera moved" };
        await admin.TerminateSessionAsync(request, cancellationToken: Patience.Token());
        // A second time changes nothing.
        await admin.TerminateSessionAsync(request, cancellationToken: Patience.Token());

        var notice = (await session.NextAsync()).Event;
        Assert.Equal((SessionEventKind.Terminated, "camera moved", 1ul), (notice.Kind, notice.Message, notice.Sequence));
        inside.Succeed();
        var (before, failure) = await session.FailureAsync();
        Assert.NotNull(Assert.Single(before).Outcome.Result);
        Assert.Equal((StatusCode.Aborted, "camera moved"), (failure.StatusCode, failure.Status.Detail));
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_is_terminated_at_once()
    {
        var big = new string('x', 1 << 20);
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = _ => new FrameFailure(FailureKind.Invalid, big) }, Enabled with { Shutdown = RunningServer.LongDrain });
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        using var session = await server.OpenAsync();
        for (ulong id = 0; id < 32; id++)
        {
            await session.SendFrameAsync(id);
        }

        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count() is { Frames: 32, InFlight: 0 });

        // It has a second to read what is left, and not what a drain has.
        await admin.TerminateSessionAsync(new TerminateSessionRequest { SessionId = session.Grant.SessionId }, cancellationToken: Patience.Token());
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }
}
