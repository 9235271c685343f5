using System.Text.Json;
using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Adaptation;

/// <summary>Adaptation as a client meets it: the real engine behind real Kestrel.</summary>
public sealed class AdaptationTests(NanoEngine nano) : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(nano.Analyzer);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Each_frame_is_answered_with_the_state_that_the_frames_before_it_left()
    {
        using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(
            TestData.Golden("nano-tta", "scale", "expected.json"), TestContext.Current.CancellationToken));
        long[] steps = [.. expected.RootElement.GetProperty("frames").EnumerateArray().Select(static frame => frame.GetProperty("state_step").GetInt64())];

        // All at once: the order of receipt must hold, not the order in which they happen to be ready.
        var outcomes = await StreamAsync(steps.Length);
        Assert.Equal(steps, outcomes.Where(static response => response.Outcome is not null).Select(static response => (long)response.Outcome.Result.Adaptation.Step));
    }

    [Theory]
    [InlineData("scale")]
    [InlineData("dark")]
    public async Task The_same_stream_gives_the_same_bytes_alone_and_among_fifteen_others(string stream)
    {
        const int Others = 15;
        const int Frames = 8;
        var alone = await StreamAsync(Frames, stream);
        Assert.Contains(alone, static response => response.Outcome?.Result.Adaptation.Step > 2);
        var others = Enumerable.Range(0, Others).Select(number => StreamAsync(Frames, number % 2 == 0 ? "dark" : "scale", Other(number)));
        var together = StreamAsync(Frames, stream);
        await Task.WhenAll(others.Append(together));
        Assert.Equal(alone.Select(AdaptingStream.Essence), (await together).Select(AdaptingStream.Essence));

        // Each of them learns something else, or nothing.
        static OpenSession Other(int number) => (number % 3) switch
        {
            0 => new OpenSession { Mask = new MaskSettings { Policy = V1.MaskPolicy.Always } },
            1 => AdaptingStream.Open(new AdaptationSettings { Enabled = true, LearningRate = 1e-3 * (number + 1), StepsPerFrame = 2 }),
            _ => AdaptingStream.Open(AdaptingStream.Unguarded()),
        };
    }

    [Fact]
    public async Task A_control_among_frames_in_flight_is_answered_with_the_state_that_the_frames_before_it_left()
    {
        const int Frames = 6;
        using var session = await _server.OpenAsync(AdaptingStream.Open(AdaptingStream.Unguarded()));
        for (int number = 0; number < Frames; number++)
        {
            // Nothing is read meanwhile: frames are in the engine when the control comes.
            await SendFrameAsync(session, number);
            await session.SendAsync(number % 2 == 0
                ? new Control { ControlId = (ulong)number, SetThresholds = new Thresholds { Low = 0.1f, High = 0.2f } }
                : new Control { ControlId = (ulong)number, SnapshotAdaptation = new SnapshotAdaptation() });
        }

        await session.CompleteAsync();
        var responses = await session.RestAsync();
        for (int number = 0; number < Frames; number++)
        {
            var outcome = responses[2 * number].Outcome;
            var reply = responses[(2 * number) + 1].ControlReply;
            Assert.Equal((ulong)number, reply.ControlId);
            Assert.Equal(((ulong)number, (ulong)number + 1), (outcome.Result.Adaptation.Step, reply.Adaptation.Step));
            var next = number + 1 < Frames ? responses[(2 * number) + 2].Outcome.Result.Adaptation : responses[^1].Summary.Adaptation;
            Assert.Equal(next.Hash, reply.Adaptation.Hash);
        }
    }

    [Fact]
    public async Task A_snapshot_that_is_longer_than_a_response_may_be_fails_in_the_stream()
    {
        var open = AdaptingStream.Open(AdaptingStream.Unguarded());
        open.MaxResponseBytes = 64 << 10;
        using var session = await _server.OpenAsync(open);
        await SendFrameAsync(session, 0);
        await session.SendAsync(new Control { ControlId = 7, SnapshotAdaptation = new SnapshotAdaptation() });
        await SendFrameAsync(session, 1);
        await session.CompleteAsync();
        var responses = await session.RestAsync();

        var reply = responses[1].ControlReply;
        Assert.Equal((7ul, FailureCode.TooLarge, 0), (reply.ControlId, reply.Failed.Code, reply.Snapshot.Length));
        Assert.Contains("max_response_bytes", reply.Failed.Message, StringComparison.Ordinal);
        Assert.NotNull(responses[2].Outcome.Result);
        Assert.All(responses, response => Assert.InRange(response.CalculateSize(), 0, 64 << 10));
    }

    [Fact]
    public async Task A_session_opened_with_a_snapshot_goes_on_bit_for_bit()
    {
        const int Half = 4;
        using var first = await _server.OpenAsync(AdaptingStream.Open(AdaptingStream.Unguarded()));
        for (int number = 0; number < Half; number++)
        {
            await SendFrameAsync(first, number);
        }

        await first.SendAsync(new Control { SnapshotAdaptation = new SnapshotAdaptation() });
        for (int number = Half; number < 2 * Half; number++)
        {
            await SendFrameAsync(first, number);
        }

        await first.CompleteAsync();
        var all = await first.RestAsync();
        var open = AdaptingStream.Open(AdaptingStream.Unguarded());
        open.AdaptationSnapshot = all[Half].ControlReply.Snapshot;
        using var second = await _server.OpenAsync(open);
        Assert.Equal((ulong)Half, second.Grant.Adaptation.Step);
        for (int number = Half; number < 2 * Half; number++)
        {
            await SendFrameAsync(second, number);
        }

        await second.CompleteAsync();
        var rest = await second.RestAsync();

        // The last loss belongs to the session, not to the state: the new one has had none.
        Assert.Equal(0, rest[0].Outcome.Result.Adaptation.LastLoss);
        rest[0].Outcome.Result.Adaptation.LastLoss = all[Half + 1].Outcome.Result.Adaptation.LastLoss;
        Assert.Equal(all[(Half + 1)..^1].Select(WithoutSequence), rest[..^1].Select(WithoutSequence));
        Assert.Equal(all[^1].Summary.Adaptation.Hash, rest[^1].Summary.Adaptation.Hash);

        static string WithoutSequence(AnalyzeResponse response)
        {
            var copy = response.Clone();
            copy.Outcome.Sequence = 0;
            return AdaptingStream.Essence(copy);
        }
    }

    [Fact]
    public async Task Controls_are_answered_with_the_state_they_left()
    {
        using var session = await _server.OpenAsync(Open());
        Assert.Equal(0u, session.Grant.Adaptation.Step);
        var baseHash = session.Grant.Adaptation.Hash;
        await SendFrameAsync(session, 0);
        await SendFrameAsync(session, 1);
        await session.SendAsync(new Control { ControlId = 1, SnapshotAdaptation = new SnapshotAdaptation() });
        await SendFrameAsync(session, 2);
        await session.SendAsync(new Control { ControlId = 2, RollbackAdaptation = new RollbackAdaptation { LastSnapshot = true } });
        await session.SendAsync(new Control { ControlId = 3, RollbackAdaptation = new RollbackAdaptation { Step = 99 } });
        await session.SendAsync(new Control { ControlId = 4, FreezeAdaptation = new FreezeAdaptation() });
        await SendFrameAsync(session, 4);
        await session.SendAsync(new Control { ControlId = 5, ResetAdaptation = new ResetAdaptation() });

        Assert.Equal(0u, (await session.NextOutcomeAsync()).Result.Adaptation.Step);
        Assert.Equal(1u, (await session.NextOutcomeAsync()).Result.Adaptation.Step);
        var snapshot = await session.NextReplyAsync();
        Assert.Equal(2u, snapshot.Adaptation.Step);
        Assert.NotEmpty(snapshot.Snapshot);
        Assert.Equal(2u, (await session.NextOutcomeAsync()).Result.Adaptation.Step);
        var rolledBack = await session.NextReplyAsync();
        Assert.Equal(snapshot.Adaptation.Hash, rolledBack.Adaptation.Hash);
        var gone = await session.NextReplyAsync();
        Assert.Equal(FailureCode.Invalid, gone.Failed.Code);
        Assert.Contains("step 99 is gone", gone.Failed.Message, StringComparison.Ordinal);
        Assert.Equal(snapshot.Adaptation.Hash, gone.Adaptation.Hash);
        Assert.True((await session.NextReplyAsync()).Adaptation.Frozen);
        Assert.Equal(snapshot.Adaptation.Hash, (await session.NextOutcomeAsync()).Result.Adaptation.Hash);
        Assert.Equal(baseHash, (await session.NextReplyAsync()).Adaptation.Hash);

        // Another session goes on from the snapshot; a damaged one is refused in the grant, and the session begins at the base.
        var open = Open();
        open.AdaptationSnapshot = snapshot.Snapshot;
        using var resumed = await _server.OpenAsync(open);
        Assert.Equal(snapshot.Adaptation.Hash, resumed.Grant.Adaptation.Hash);
        byte[] damaged = snapshot.Snapshot.ToByteArray();
        damaged[^1] ^= 1;
        open.AdaptationSnapshot = ByteString.CopyFrom(damaged);
        using var refused = await _server.OpenAsync(open);
        Assert.Equal("adaptation_snapshot", Assert.Single(refused.Grant.Unavailable).Feature);
        Assert.Equal(baseHash, refused.Grant.Adaptation.Hash);
    }

    [Fact]
    public async Task Settings_out_of_range_are_answered_and_change_nothing()
    {
        using var session = await _server.OpenAsync();
        await session.SendAsync(new Control { FreezeAdaptation = new FreezeAdaptation() });
        await session.SendAsync(Set(new AdaptationSettings { Enabled = true, LearningRate = 5 }));
        await session.SendAsync(Set(new AdaptationSettings { Enabled = true, StepsPerFrame = 100 }));
        await session.SendAsync(Set(new AdaptationSettings { Enabled = true }));
        await SendFrameAsync(session, 0);

        Assert.Contains("does not adapt", (await session.NextReplyAsync()).Failed.Message, StringComparison.Ordinal);
        Assert.Contains("learning rate 5", (await session.NextReplyAsync()).Failed.Message, StringComparison.Ordinal);
        var last = await session.NextReplyAsync();
        Assert.Contains("100 steps", last.Failed.Message, StringComparison.Ordinal);
        Assert.Null(last.Adaptation);
        Assert.Equal(0u, (await session.NextReplyAsync()).Adaptation.Step);
        Assert.Equal(0u, (await session.NextOutcomeAsync()).Result.Adaptation.Step);

        static Control Set(AdaptationSettings settings) => new() { SetAdaptation = new SetAdaptation { Settings = settings } };
    }

    [Fact]
    public async Task A_state_larger_than_all_the_memory_is_refused_and_the_session_runs_without()
    {
        await using var small = await RunningServer.StartAsync(
            nano.Analyzer, new LoupeOptions { Adaptation = new AdaptationOptions { MaxStateBytes = 1 << 20 } });
        using var session = await small.OpenAsync(Open());
        var missing = Assert.Single(session.Grant.Unavailable);
        Assert.Equal("adaptation", missing.Feature);
        Assert.Contains("Loupe:Adaptation:MaxStateBytes", missing.Reason, StringComparison.Ordinal);
        await SendFrameAsync(session, 0);
        Assert.Null((await session.NextOutcomeAsync()).Result.Adaptation);
    }

    [Fact]
    public async Task An_operator_sees_the_state_that_the_last_frame_left()
    {
        await using var server = await RunningServer.StartAsync(
            nano.Analyzer, new LoupeOptions { Admin = new AdminOptions { Enabled = true } });
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        using var session = await server.OpenAsync(AdaptingStream.Open(AdaptingStream.Unguarded()));
        using var other = await server.OpenAsync();
        await SendFrameAsync(session, 0);
        await SendFrameAsync(session, 1);
        await session.NextOutcomeAsync();
        await session.NextOutcomeAsync();
        var list = await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token());
        Assert.Equal([2ul, null], list.Sessions.Select(static info => info.Adaptation?.Step));
        await SendFrameAsync(session, 2);
        Assert.Equal(list.Sessions[0].Adaptation.Hash, (await session.NextOutcomeAsync()).Result.Adaptation.Hash);
    }

    private static OpenSession Open() => AdaptingStream.Open();

    private static Task SendFrameAsync(RawSession session, int number) => AdaptingStream.SendFrameAsync(session, number);

    private async Task<List<AnalyzeResponse>> StreamAsync(int frames, string stream = "scale", OpenSession? open = null)
    {
        using var session = await _server.OpenAsync(open ?? Open());
        return await AdaptingStream.RunAsync(session, frames, stream);
    }
}
