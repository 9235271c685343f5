using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>Two calls that claim one session: the later has it, the earlier is told.</summary>
public class TakeoverTests
{
    private static readonly OpenSession Resumable = new() { Resumable = true };

    [Fact]
    public async Task The_earlier_call_is_told_and_ends_and_nothing_is_lost_or_sent_twice()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var earlier = await server.OpenAsync(Resumable);
        await earlier.SendFrameAsync(0);
        (await analyzer.NextAsync()).Succeed();
        await earlier.NextOutcomeAsync();
        await earlier.SendFrameAsync(1);
        var inside = await analyzer.NextAsync();

        using var later = await server.ResumeAsync(earlier);
        Assert.Equal(2ul, later.Grant.NextSequence);
        var (before, failure) = await earlier.FailureAsync();
        var notice = Assert.Single(before).Event;
        Assert.Equal(SessionEventKind.TakenOver, notice.Kind);
        Assert.NotEmpty(notice.Message);
        StatusAssert.Carries(failure, StatusCode.Aborted, FailureCode.Canceled);

        inside.Succeed();
        Assert.Equal(1ul, (await later.NextOutcomeAsync()).Sequence);
        await later.CompleteAsync();
        Assert.Equal(2ul, Assert.Single(await later.RestAsync()).Summary.Results);
        Assert.Equal(0, server.Sessions.Count);
    }

    [Fact]
    public async Task A_call_that_was_half_closed_can_be_taken_over_before_its_summary()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var earlier = await server.OpenAsync(Resumable);
        await earlier.SendFrameAsync(0);
        var inside = await analyzer.NextAsync();
        await earlier.CompleteAsync();
        using var later = await server.ResumeAsync(earlier);
        var (before, failure) = await earlier.FailureAsync();
        Assert.Equal(SessionEventKind.TakenOver, Assert.Single(before).Event.Kind);
        Assert.Equal(StatusCode.Aborted, failure.StatusCode);

        // The session is open again: the later call may send, and closes it itself.
        await later.SendFrameAsync(1);
        inside.Succeed();
        (await analyzer.NextAsync()).Succeed();
        await later.CompleteAsync();
        var rest = await later.RestAsync();
        Assert.Equal([0ul, 1], rest.SkipLast(1).Select(static response => response.Outcome.Sequence));
        Assert.Equal(2ul, rest[^1].Summary.Results);
    }

    [Fact]
    public async Task Of_many_claims_at_once_one_has_the_session_and_each_other_is_told()
    {
        const int Claims = 8;
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.5f) });
        using var first = await server.OpenAsync(Resumable);
        await first.SendFrameAsync(0);
        await first.NextOutcomeAsync();
        var claims = await Task.WhenAll(Enumerable.Range(0, Claims).Select(_ => server.ResumeAsync(first)));
        var session = Assert.Single(server.Sessions.List());

        // Whoever is left answers; the others have ended with the notice.
        List<RawSession> serving = [];
        foreach (var claim in claims)
        {
            try
            {
                await claim.SendFrameAsync(9);
                await claim.CompleteAsync();
            }
            catch (Exception exception) when (exception is RpcException or InvalidOperationException)
            {
                // Told already.
            }

            List<AnalyzeResponse> responses = [];
            try
            {
                responses = await claim.RestAsync();
                serving.Add(claim);
                Assert.Equal([AnalyzeResponse.PayloadOneofCase.Outcome, AnalyzeResponse.PayloadOneofCase.Summary], responses.Select(static response => response.PayloadCase));
                Assert.Equal(1ul, responses[0].Outcome.Sequence);
            }
            catch (RpcException exception)
            {
                Assert.Equal(StatusCode.Aborted, exception.StatusCode);
            }
        }

        Assert.Single(serving);
        Assert.Equal(2ul, session.Count().Frames);
        Assert.Equal(0, server.Sessions.Count);
        Array.ForEach(claims, static claim => claim.Dispose());
    }

    [Fact]
    public async Task A_connection_that_fell_silent_is_taken_over_before_the_server_notices()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var silent = await connection.OpenAsync(Resumable);
        await silent.SendFrameAsync(0);
        var inside = await analyzer.NextAsync();
        connection.FallSilent();
        inside.Succeed();
        await Patience.UntilAsync(() => server.Sessions.List()[0].Count().InFlight == 0);
        Assert.Null(server.Sessions.List()[0].ParkedSince);

        using var later = await server.ResumeAsync(silent);
        Assert.Equal(0ul, (await later.NextOutcomeAsync()).Sequence);
        await later.SendFrameAsync(1);
        (await analyzer.NextAsync()).Succeed();
        Assert.Equal(1ul, (await later.NextOutcomeAsync()).Sequence);
    }

    [Fact]
    public async Task A_client_that_does_not_read_cannot_keep_the_session()
    {
        const int Frames = 32;
        var big = new string('x', 1 << 20);
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = _ => new FrameFailure(FailureKind.Invalid, big) });
        using var stuck = await server.OpenAsync(Resumable);
        for (ulong id = 0; id < Frames; id++)
        {
            await stuck.SendFrameAsync(id);
        }

        await Patience.UntilAsync(() => server.Sessions.List()[0].Count() is { Frames: Frames, InFlight: 0 });
        using var later = await server.ResumeAsync(stuck);
        await later.CompleteAsync();
        var rest = await later.RestAsync();
        Assert.Equal(Enumerable.Range(0, Frames).Select(static number => (ulong)number), rest.SkipLast(1).Select(static response => response.Outcome.Sequence));
        Assert.Equal((ulong)Frames, rest[^1].Summary.Failed);
    }
}
