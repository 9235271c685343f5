using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace LoupeGrpc.FunctionalTests.Execution;

/// <summary>Each kind of bad day that a provider may have, seen from outside: ready line, outcomes, server info, health, log, exit code.</summary>
public sealed class LadderTests(NanoEngine nano) : IDisposable
{
    // Rows of the largest tensor that the stand-in computes for one picture: three scales of its features, 8², 16² and 32².
    private const int RowsOfOne = 1344;

    private const int HangingFrames = 8;

    private readonly TemporaryDirectory _directory = new();

    private LadderPlace Place => new(_directory.FullName, nano.CacheDirectory);

    private string HangLog => Path.Combine(_directory.FullName, "runs");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_provider_that_proves_itself_serves()
    {
        await using var server = await LadderServer.StartAsync(Place, []);
        Assert.EndsWith("provider=StandIn precision=fp32", server.ReadyLine, StringComparison.Ordinal);
        var ladder = await server.LadderAsync();
        Assert.Equal([RungState.Serving, RungState.Standby], ladder.Select(static rung => rung.State));
        var outcomes = await server.AnalyzeAsync();
        Assert.Equal(3, outcomes.Count);
        Assert.All(outcomes, static outcome => Assert.Equal(("StandIn", "fp32"), (outcome.Result.Execution.Provider, outcome.Result.Execution.Precision)));
        Assert.Equal(ServingStatus.Serving, await server.HealthAsync());
        await server.Process.SignalAsync("TERM");
        Assert.Equal(0, await server.Process.ExitAsync());
    }

    /// <summary>A GPU gains from halves, a CPU does not. The last rung shows what serves where the provider does not.</summary>
    [Theory]
    [InlineData("fp16", "fp32")]
    [InlineData("fp32", "fp32", "Plugins:0:Precision=fp32")]
    [InlineData("fp16", "fp16", "CPU:Precision=fp16")]
    public async Task A_package_of_both_precisions_serves_the_one_that_suits_the_provider_unless_told_otherwise(
        string provider, string cpu, params string[] settings)
    {
        var place = new LadderPlace(_directory.FullName, nano.CacheDirectory, TestPackages.Nano.Directory);
        await AssertServesAsync(place, settings, "StandIn", provider);
        await AssertServesAsync(place, [.. settings, "Providers=CPU"], "CPU", cpu);
    }

    [Fact]
    public async Task A_precision_that_the_package_does_not_have_ends_the_start_with_the_setting()
    {
        await using var process = LadderServer.Start(Place, ["Plugins:0:Precision=fp16"]);
        Assert.Null(await process.ReadLineAsync());
        Assert.Equal(1, await process.ExitAsync());
        Assert.Contains("StandIn is set to run fp16", process.Error, StringComparison.Ordinal);
        Assert.Contains("has only fp32: change Loupe:Execution:Plugins:0:Precision", process.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-device", "found no device that it can use")]
    [InlineData("error-at-start", "does not load: stand-in: driver and library do not fit together")]
    [InlineData("crash-at-load", "its process ended with SIGABRT before it could load")]
    [InlineData("hang", "it did not load within 3 s")]
    [InlineData("error-at-create", "does not run a graph of one node: stand-in: the device is held by another process")]
    public async Task A_provider_that_does_not_run_leaves_the_CPU_to_serve_and_one_line_that_says_why(string mode, string reason)
    {
        var limit = mode == "hang" ? "ProbeTimeout=3" : "ProbeTimeout=120";
        await using var server = await LadderServer.StartAsync(Place, [limit], (StandIn.ModeVariable, mode));
        await AssertCpuServesAsync(server, RungState.Unavailable, reason);
    }

    [Fact]
    public async Task A_provider_that_computes_something_else_is_left_and_the_output_and_its_distance_are_named()
    {
        await using var server = await LadderServer.StartAsync(Place, ["Plugins:0:Options:mode=wrong-numbers"]);
        Assert.Matches(@"(cls_logit|patch_logits|mask_logits|class_logits).* is off by", (await server.LadderAsync())[0].Reason);
        await AssertCpuServesAsync(server, RungState.Demoted, "self-check");
    }

    [Theory]
    [InlineData("no-device")]
    [InlineData("crash-at-load")]
    [InlineData("wrong-numbers")]
    public async Task A_required_provider_that_does_not_serve_ends_the_start_with_the_reason(string mode)
    {
        await using var process = LadderServer.Start(Place, ["Require=true"], (StandIn.ModeVariable, mode));
        Assert.Null(await process.ReadLineAsync());
        Assert.Equal(1, await process.ExitAsync());
        Assert.Contains("Loupe:Execution:Require", process.Error, StringComparison.Ordinal);
        Assert.Contains("StandIn: ", process.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_devices_share_the_sessions()
    {
        await using var server = await LadderServer.StartAsync(Place, ["Plugins:0:Devices=0,1"], (StandIn.DevicesVariable, "2"));
        Assert.Equal("Stand-in 0, Stand-in 1", (await server.LadderAsync())[0].Device);
        using var first = await server.OpenAsync();
        using var second = await server.OpenAsync();
        Assert.Equal(["Stand-in 0", "Stand-in 1"], new[] { first, second }.Select(static session => session.Grant.Execution.Device).Order(StringComparer.Ordinal));
        await LadderServer.SendSampleAsync(second, 0);
        Assert.Equal(second.Grant.Execution.Device, (await second.NextOutcomeAsync()).Result.Execution.Device);
    }

    [Theory]
    [InlineData("2", "2")]
    [InlineData("GPU-0000", "GPU-0000")]
    public async Task A_device_that_is_not_there_is_named(string device, string named)
    {
        await using var server = await LadderServer.StartAsync(Place, [$"Plugins:0:Devices={device}"]);
        await AssertCpuServesAsync(server, RungState.Unavailable, named);
    }

    [Fact]
    public async Task A_lost_device_gives_every_frame_its_outcome_and_ends_the_server_with_71()
    {
        // The start takes its runs too; some frames get through before the end.
        await using var server = await LadderServer.StartAsync(Place, ["Plugins:0:Options:fail_after_runs=200"]);
        using var session = await server.OpenAsync();
        var sending = SendUntilTheEndAsync(session);
        var (rest, _) = await session.FailureAsync();
        var sent = await sending;
        var outcomes = rest.Where(static response => response.Outcome is not null).Select(static response => response.Outcome).ToList();
        Assert.Contains(outcomes, static outcome => outcome.Result is not null);
        Assert.Contains(outcomes, static outcome => outcome.Failed?.Code == FailureCode.ModelFault);
        Assert.Equal(Enumerable.Range(0, outcomes.Count).Select(static id => (ulong)id), outcomes.Select(static outcome => outcome.FrameId));
        Assert.Equal((ulong)outcomes.Count, rest.Single(static response => response.Summary is not null).Summary.Frames);
        Assert.True(outcomes.Count <= sent);
        Assert.Equal(71, await server.Process.ExitAsync());
        Assert.Contains("is lost", server.Process.Error, StringComparison.Ordinal);
    }

    /// <summary>The time to drain is over before anybody would notice that the run hangs.</summary>
    [Fact]
    public async Task A_run_that_hangs_keeps_no_frame_from_its_outcome_and_the_server_not_from_ending()
    {
        await using var server = await StartHangingAsync(("Loupe__Shutdown__DrainTimeout", "1"));
        var sending = await SendUntilARunHangsAsync(server);
        await server.Process.SignalAsync("TERM");
        var outcomes = await sending;
        Assert.Equal(HangingFrames, outcomes.Count);
        Assert.Contains(outcomes, static outcome => outcome.Dropped?.Reason == DropReason.SessionEnded);
        Assert.Equal(0, await server.Process.ExitAsync());
        Assert.Contains("has not ended: it is left behind", server.Process.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_hangs_is_the_loss_of_its_device()
    {
        await using var server = await StartHangingAsync(("Loupe__Engine__MinRunTimeout", "3s"), ("Loupe__Engine__RunTimeoutFactor", "10"));
        var sending = await SendUntilARunHangsAsync(server);
        var outcomes = await sending;
        Assert.Equal(HangingFrames, outcomes.Count);
        Assert.Contains(outcomes, static outcome => outcome.Result is not null);
        Assert.Contains(
            outcomes,
            static outcome => outcome.Failed?.Code == FailureCode.ModelFault && outcome.Failed.Message.Contains("has not ended after", StringComparison.Ordinal));
        Assert.Equal(71, await server.Process.ExitAsync());
    }

    private Task<LadderServer> StartHangingAsync(params (string Name, string Value)[] environment) => LadderServer.StartAsync(
        Place, ["Buckets=1", "Plugins:0:Options:hang_at_run=6", $"Plugins:0:Options:log={HangLog}"], environment);

    /// <summary>The start takes one run of the encoder and two of the segmentor.</summary>
    private async Task<Task<IReadOnlyList<FrameOutcome>>> SendUntilARunHangsAsync(LadderServer server)
    {
        var sending = server.AnalyzeAsync(HangingFrames);
        while (!sending.IsCompleted && !(await File.ReadAllTextAsync(HangLog, Patience.Token())).Contains("hang", StringComparison.Ordinal))
        {
            await Task.Delay(20, Patience.Token());
        }

        return sending;
    }

    private static async Task AssertServesAsync(LadderPlace place, string[] settings, string provider, string precision)
    {
        await using var server = await LadderServer.StartAsync(place, settings);
        Assert.EndsWith($"provider={provider} precision={precision}", server.ReadyLine, StringComparison.Ordinal);
        Assert.Equal((RungState.Serving, precision), (await server.LadderAsync()).Where(rung => rung.Provider == provider).Select(static rung => (rung.State, rung.Precision)).Single());
        var outcomes = await server.AnalyzeAsync();
        Assert.Equal(3, outcomes.Count);
        Assert.All(outcomes, outcome => Assert.Equal((provider, precision), (outcome.Result.Execution.Provider, outcome.Result.Execution.Precision)));
        await server.Process.SignalAsync("TERM");
        Assert.Equal(0, await server.Process.ExitAsync());
    }

    [Fact]
    public async Task A_device_without_memory_for_two_frames_serves_them_one_by_one_and_warns_once()
    {
        await using var server = await LadderServer.StartAsync(Place, [$"Plugins:0:Options:max_batch={RowsOfOne}", "Buckets=1,2,4"]);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.AnalyzeAsync(frames: 4)));
        Assert.All(outcomes, static session => Assert.Equal(4, session.Count));
        Assert.All(outcomes.SelectMany(static session => session), static outcome => Assert.Equal("StandIn", outcome.Result?.Execution.Provider));
        Assert.Single(
            server.Process.Error.Split('\n'),
            static line => line.Contains("StandIn has no memory for 4 frames at once (warm-up): at most 1 from now on", StringComparison.Ordinal));
        Assert.Equal(RungState.Serving, (await server.LadderAsync())[0].State);
        Assert.Equal(ServingStatus.Serving, await server.HealthAsync());
    }

    [Fact]
    public async Task Many_sessions_at_once_get_the_answers_of_one_alone()
    {
        await using var server = await LadderServer.StartAsync(Place, ["Buckets=1,2,4"]);
        var alone = (await server.AnalyzeAsync(frames: 1, sample: "forged-cat-in-coffee.jpg"))[0].Result;
        Assert.NotEqual(0u, alone.Mask.Area);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.AnalyzeAsync(frames: 6, sample: "forged-cat-in-coffee.jpg")));
        Assert.All(
            outcomes.SelectMany(static session => session),
            outcome =>
            {
                Assert.Equal(alone.Score, outcome.Result.Score, 1e-5f);
                Assert.Equal(alone.Mask, outcome.Result.Mask);
            });
    }

    private static async Task AssertCpuServesAsync(LadderServer server, RungState state, string reason)
    {
        Assert.EndsWith("provider=CPU precision=fp32", server.ReadyLine, StringComparison.Ordinal);
        var ladder = await server.LadderAsync();
        Assert.Equal([state, RungState.Serving], ladder.Select(static rung => rung.State));
        Assert.NotEmpty(reason);
        Assert.Contains(reason, ladder[0].Reason, StringComparison.OrdinalIgnoreCase);
        Assert.Single(server.Process.Error.Split('\n'), line => line.Contains("StandIn", StringComparison.Ordinal) && line.Contains("does not serve", StringComparison.Ordinal));
        var outcomes = await server.AnalyzeAsync();
        Assert.Equal(3, outcomes.Count);
        Assert.All(outcomes, static outcome => Assert.Equal("CPU", outcome.Result.Execution.Provider));
        Assert.Equal(ServingStatus.Serving, await server.HealthAsync());
        Assert.Contains($"StandIn fp32 {state.ToString().ToLowerInvariant()}: ", await server.GetAsync("/healthz/ready"), StringComparison.Ordinal);
        Assert.Contains(@"loupe_execution_rung", await server.GetAsync("/metrics"), StringComparison.Ordinal);
        await server.Process.SignalAsync("TERM");
        Assert.Equal(0, await server.Process.ExitAsync());
    }

    /// <summary>A camera that goes on until nobody listens.</summary>
    private static async Task<int> SendUntilTheEndAsync(RawSession session)
    {
        var sent = 0;
        try
        {
            while (true)
            {
                await LadderServer.SendSampleAsync(session, (ulong)sent);
                sent++;
                await Task.Delay(10, Patience.Token());
            }
        }
        catch (Exception exception) when (exception is Grpc.Core.RpcException or InvalidOperationException)
        {
            return sent;
        }
    }
}
