using System.Text.Json;
using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Streaming;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Microsoft.Extensions.Logging.Abstractions;
using AdaptationSettings = LoupeGrpc.V1.AdaptationSettings;

namespace LoupeGrpc.FunctionalTests.Adaptation;

/// <summary>Adaptation as a client meets it: the real engine behind real Kestrel.</summary>
public sealed class AdaptationTests : IAsyncLifetime
{
    private LoupeEngine _engine = null!;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _engine = await LoupeEngine.StartAsync(
            TestPackages.Nano, new EngineOptions(), ExecutionTarget.Cpu, NullLoggerFactory.Instance, TimeProvider.System, TestContext.Current.CancellationToken);
        _server = await RunningServer.StartAsync(new EngineAnalyzer(_engine));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _engine.DisposeAsync();
    }

    [Fact]
    public async Task Each_frame_is_answered_with_the_state_that_the_frames_before_it_left()
    {
        using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(
            TestData.Golden("nano-tta", "scale", "expected.json"), TestContext.Current.CancellationToken));
        long[] steps = [.. expected.RootElement.GetProperty("frames").EnumerateArray().Select(static frame => frame.GetProperty("state_step").GetInt64())];

        // All at once: the order of receipt must hold, not the order in which they happen to be ready.
        var outcomes = await StreamAsync(steps.Length);
        Assert.Equal(steps, outcomes.Select(static outcome => (long)outcome.Result.Adaptation.Step));
    }

    [Fact]
    public async Task The_same_stream_gives_the_same_bytes_alone_and_among_others()
    {
        const int Others = 3;
        const int Frames = 8;
        var alone = await StreamAsync(Frames);
        var together = await Task.WhenAll(Enumerable.Range(0, Others + 1).Select(_ => StreamAsync(Frames)));
        foreach (var stream in together)
        {
            Assert.Equal(alone.Select(Essence), stream.Select(Essence));
        }

        static string Essence(FrameOutcome outcome) =>
            $"{outcome.Result.Score:R} {outcome.Result.Adaptation.Step} {outcome.Result.Adaptation.Hash.ToBase64()} {outcome.Result.Mask.Rle.Counts}";
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
            new EngineAnalyzer(_engine), new LoupeOptions { Adaptation = new AdaptationOptions { MaxStateBytes = 1 << 20 } });
        using var session = await small.OpenAsync(Open());
        var missing = Assert.Single(session.Grant.Unavailable);
        Assert.Equal("adaptation", missing.Feature);
        Assert.Contains("Loupe:Adaptation:MaxStateBytes", missing.Reason, StringComparison.Ordinal);
        await SendFrameAsync(session, 0);
        Assert.Null((await session.NextOutcomeAsync()).Result.Adaptation);
    }

    private static OpenSession Open() => new()
    {
        Mask = new MaskSettings { Policy = V1.MaskPolicy.Always },
        Adaptation = new AdaptationSettings { Enabled = true },
    };

    private static Task SendFrameAsync(RawSession session, int number) => session.SendFrameAsync(
        (ulong)number,
        frame => frame.Encoded.Data = ByteString.CopyFrom(File.ReadAllBytes(TestData.Golden("nano-tta", "scale", $"frame-{number:000}.png"))));

    private async Task<List<FrameOutcome>> StreamAsync(int frames)
    {
        using var session = await _server.OpenAsync(Open());
        for (int number = 0; number < frames; number++)
        {
            await SendFrameAsync(session, number);
        }

        await session.CompleteAsync();
        return [.. (await session.RestAsync())
            .Where(static response => response.PayloadCase == AnalyzeResponse.PayloadOneofCase.Outcome)
            .Select(static response => response.Outcome)];
    }
}
