using Grpc.Core;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Inference;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Inference;

/// <summary>Requests with a <c>sequence_id</c>: a session that adapts.</summary>
public sealed class SequenceTests(NanoEngine nano)
{
    private const int Frames = 6;

    /// <summary>Of each request.</summary>
    private static readonly int[] LastFrames = [0, 1, 3, 4, 5];

    [Fact]
    public async Task Its_answers_are_those_of_a_session_that_adapts()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);
        using var session = await server.OpenAsync(AdaptingStream.Open());
        var expected = (await AdaptingStream.RunAsync(session, Frames)).Select(static response => response.Outcome.Result).ToList();
        Assert.True(expected[^1].Adaptation.Step > 0);

        // Two in the middle are one request.
        var answers = new List<ModelInferResponse>
        {
            await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true)),
            await Infer.AskAsync(server, Request(7, 1)),
            await Infer.AskAsync(server, Request(7, 2, 3)),
        };
        Assert.Equal("sequence 7", server.Sessions.List().Single().Name);
        answers.Add(await Infer.AskAsync(server, Request(7, 4)));
        answers.Add(await Infer.AskAsync(server, Request(7, 5).With("sequence_end", true)));

        var places = new[] { (0, 0), (1, 0), (2, 0), (2, 1), (3, 0), (4, 0) };
        foreach (var (frame, (answer, place)) in places.Index())
        {
            Infer.AssertSame(expected[frame], answers[answer], place);
        }

        Assert.Equal(
            LastFrames.Select(frame => (long)expected[frame].Adaptation.Step), answers.Select(static answer => answer.Parameters["adaptation_step"].Int64Param));
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal((0L, 0L), (server.FrameBytes, server.Ledger.Receiving.Held.Bytes));
    }

    [Fact]
    public async Task Over_a_stream_it_is_the_same()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);
        using var session = await server.OpenAsync(AdaptingStream.Open());
        var expected = (await AdaptingStream.RunAsync(session, Frames)).Select(static response => response.Outcome.Result).ToList();
        using var call = Infer.Service(server).ModelStreamInfer(cancellationToken: Patience.Token());
        for (var frame = 0; frame < Frames; frame++)
        {
            await call.RequestStream.WriteAsync(
                Request("door-3", frame).With("sequence_start", frame == 0).With("sequence_end", frame == Frames - 1), Patience.Token());
        }

        await call.RequestStream.CompleteAsync();
        var answers = await call.ResponseStream.ReadAllAsync(Patience.Token()).ToListAsync(Patience.Token());

        Assert.All(answers, static answer => Assert.Empty(answer.ErrorMessage));
        Assert.All(answers.Index(), answer => Infer.AssertSame(expected[answer.Index], answer.Item.InferResponse));
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    [Fact]
    public async Task Thresholds_and_masks_may_change_between_its_requests()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);
        var first = await Infer.AskAsync(server, Request(1, 0).With("sequence_start", true).With("high", 1.0));
        var score = first.Output("score").Contents.Fp32Contents[0];
        Assert.NotEmpty(Infer.Texts(first.Output("mask").Contents.BytesContents)[0]);

        var second = await Infer.AskAsync(server, Request(1, 0).With("mask", "never").With("low", 0.0).With("high", 0.01));

        Assert.InRange(score, 0.01f, 0.999f);
        Assert.Equal("MANIPULATED", Infer.Texts(second.Output("verdict").Contents.BytesContents)[0]);
        Assert.Empty(Infer.Texts(second.Output("mask").Contents.BytesContents)[0]);
        await Infer.AskAsync(server, Request(1, 0).With("sequence_end", true));
    }

    [Fact]
    public async Task Without_its_beginning_there_is_none()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow);
        const string Missing = "inference request for sequence 7 to model 'default' must specify the START flag on the first request of the sequence";
        await RefusedAsync(server, Request(7, 0), Missing);
        // 0 is none.
        await Infer.AskAsync(server, Request(0, 0));
        Assert.Equal(0, server.Sessions.Count);

        // Alone, both flags are a sequence of one; then the name is free.
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true).With("sequence_end", true));
        await RefusedAsync(server, Request(7, 0), Missing);

        // Begun anew, it has learned nothing yet.
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true));
        await Infer.AskAsync(server, Request(7, 1));
        var again = await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true).With("sequence_end", true));
        Assert.Equal(0, again.Parameters["adaptation_step"].Int64Param);
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    [Fact]
    public async Task A_silent_one_is_over()
    {
        var time = new FakeTimeProvider();
        await using var server = await RunningServer.StartAsync(
            nano.Analyzer, new LoupeOptions { Sessions = new SessionOptions { ResumeWindow = TimeSpan.FromSeconds(1) } }, time);
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true));
        Assert.Equal(1, server.Sessions.Count);
        await Patience.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return server.Sessions.Count == 0;
        });
        await RefusedAsync(server, Request(7, 0), "one without a request for 1 s is over: Loupe:Sessions:ResumeWindow");
    }

    [Fact]
    public async Task Where_no_session_is_kept_there_is_none()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Sessions = new SessionOptions { ResumeWindow = TimeSpan.Zero } });
        var failure = await Infer.FailureAsync(server, Request(7, 0).With("sequence_start", true));
        Assert.Equal(StatusCode.Unimplemented, failure.StatusCode);
        Assert.Contains("Loupe:Sessions:ResumeWindow is 0", failure.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>As any other session.</summary>
    [Fact]
    public async Task An_operator_may_end_it_and_limits_hold_for_it()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, RunningServer.LongWindow with { Limits = new LimitOptions { MaxSessions = 1 }, Admin = new AdminOptions { Enabled = true } });
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true));
        var failure = await Infer.FailureAsync(server, Request(8, 0).With("sequence_start", true));
        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("Loupe:Limits:MaxSessions", failure.Status.Detail, StringComparison.Ordinal);

        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        await admin.TerminateSessionAsync(new TerminateSessionRequest { SessionId = server.Sessions.List().Single().Id }, cancellationToken: Patience.Token());
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        // One that meets the end itself is told of that.
        for (failure = await Infer.FailureAsync(server, Request(7, 0)); failure.StatusCode == StatusCode.Aborted; failure = await Infer.FailureAsync(server, Request(7, 0)))
        {
            Assert.Contains("administrator", failure.Status.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains("must specify the START flag", failure.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>What may not adapt is answered, and says so.</summary>
    [Fact]
    public async Task Without_room_for_its_state_it_says_so()
    {
        await using var server = await RunningServer.StartAsync(
            nano.Analyzer, new LoupeOptions { Quotas = new QuotaOptions { StrangerAdaptationStates = 1 }, Security = new SecurityOptions { Open = true } });
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true));
        Assert.True((await Infer.AskAsync(server, Request(8, 0).With("sequence_start", true))).Parameters.ContainsKey("adaptation_step"));

        // What was used last has the room.
        var answer = await Infer.AskAsync(server, Request(7, 0));

        Assert.Contains("other sessions needed the memory of the adaptation", answer.Parameters["adaptation_unavailable"].StringParam, StringComparison.Ordinal);
    }

    /// <summary>As pictures without a sequence are: its requests are here whole, and would wait in memory that others are received in.</summary>
    [Fact]
    public async Task Over_a_quota_it_is_refused_and_does_not_wait()
    {
        await using var server = await RunningServer.StartAsync(
            nano.Analyzer, new LoupeOptions { Quotas = new QuotaOptions { StrangerFramesPerSecond = 0.001f }, Security = new SecurityOptions { Open = true } });
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true));

        foreach (var request in new[] { Request(7, 1), Request(8, 0).With("sequence_start", true) })
        {
            var failure = await Infer.FailureAsync(server, request);
            Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
            Assert.Contains("Loupe:Quotas:FramesPerSecond", failure.Status.Detail, StringComparison.Ordinal);
        }

        await Patience.UntilAsync(() => server.Server.Services.GetRequiredService<MemoryLedger>().Receiving.Held.Bytes == 0);
    }

    [Fact]
    public async Task It_is_one_of_the_sessions_of_its_address()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Quotas = new QuotaOptions { AddressSessions = 1 } });
        await Infer.AskAsync(server, Request(7, 0).With("sequence_start", true));

        var failure = await Infer.FailureAsync(server, Request(8, 0).With("sequence_start", true));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("Loupe:Quotas:AddressSessions", failure.Status.Detail, StringComparison.Ordinal);
        await Infer.AskAsync(server, Request(7, 1).With("sequence_end", true));
    }

    [Fact]
    public async Task It_is_of_the_identity_that_began_it()
    {
        using var files = new TemporaryDirectory();
        var keys = new[] { await SecureServer.AddKeyAsync(files["keys.json"], "one", Role.Analyse), await SecureServer.AddKeyAsync(files["keys.json"], "two", Role.Analyse) };
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Security = new SecurityOptions { Keys = files["keys.json"] } });
        Metadata As(int who) => new() { { "authorization", $"Bearer {keys[who]}" } };
        var service = Infer.Service(server);
        await service.ModelInferAsync(Request(7, 0).With("sequence_start", true), As(0), cancellationToken: Patience.Token());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await service.ModelInferAsync(Request(7, 1), As(1), cancellationToken: Patience.Token()));
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        await service.ModelInferAsync(Request(7, 1).With("sequence_end", true), As(0), cancellationToken: Patience.Token());
        failure = await Assert.ThrowsAsync<RpcException>(async () => await service.ModelInferAsync(Request(7, 1), cancellationToken: Patience.Token()));
        Assert.Equal(StatusCode.Unauthenticated, failure.StatusCode);
    }

    private static ModelInferRequest Request(object sequence, params int[] frames) => Infer.Files(
        [.. frames.Select(static frame => AdaptingStream.Frame(frame).Frame.Encoded.Data.ToByteArray())]).With("mask", "always").With("sequence_id", sequence);

    private static async Task RefusedAsync(RunningServer server, ModelInferRequest request, string detail)
    {
        var failure = await Infer.FailureAsync(server, request);
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains(detail, failure.Status.Detail, StringComparison.Ordinal);
    }
}
