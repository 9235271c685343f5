using System.Text.Json;
using LoupeGrpc.Execution.Builds;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoupeGrpc.FunctionalTests.Execution;

/// <summary>A provider that builds engines: beside the service, kept, never trusted blindly. The stand-in says in its log what it built and when.</summary>
public sealed class EngineBuildTests(NanoEngine nano) : IDisposable
{
    /// <summary>Each has an engine.</summary>
    private const int Graphs = 3;

    private static readonly string[] Builds = ["Plugins:0:EngineCacheOption=engine_cache_path", "Plugins:0:Options:build_seconds=1"];

    private readonly TemporaryDirectory _directory = new();

    private LadderPlace Place => new(_directory.FullName, nano.CacheDirectory);

    private string Log => _directory["standin.log"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_server_serves_at_once_builds_beside_it_and_swaps_between_two_frames()
    {
        await using var server = await LadderServer.StartAsync(Place, Builds, (StandIn.LogVariable, Log), ("Loupe__Admin__Enabled", "true"));
        Assert.EndsWith("provider=CPU precision=fp32", server.ReadyLine, StringComparison.Ordinal);
        using var moving = await server.OpenAsync(new OpenSession { Adaptation = new AdaptationSettings { Enabled = true, MinConfidence = -1 } });
        using var pinned = await server.OpenAsync(new OpenSession { Deterministic = true });
        Assert.Equal(("CPU", "CPU"), (moving.Grant.Execution.Provider, pinned.Grant.Execution.Provider));

        var preparing = await server.WaitForAsync(RungState.Preparing);
        Assert.NotNull(preparing.Elapsed);
        Assert.NotEmpty(preparing.Reason);
        Assert.Contains("StandIn fp32 preparing for ", await server.GetAsync("/healthz/ready"), StringComparison.Ordinal);
        await LadderServer.SendSampleAsync(moving, 0);
        var before = (await moving.NextOutcomeAsync()).Result;
        Assert.Equal(("CPU", 0ul), (before.Execution.Provider, before.Adaptation.Step));

        await server.WaitForAsync(RungState.Serving);
        var built = BuiltIn(Log);
        Assert.NotEqual(0, built);

        await LadderServer.SendSampleAsync(moving, 1);
        var change = (await moving.NextAsync()).Event;
        Assert.Equal((SessionEventKind.ProviderChanged, 1ul, LadderServer.Provider), (change.Kind, change.Sequence, change.Execution.Provider));
        // What it learned on the one it goes on with on the other.
        var after = (await moving.NextOutcomeAsync()).Result;
        Assert.Equal((LadderServer.Provider, 1ul), (after.Execution.Provider, after.Adaptation.Step));
        await LadderServer.SendSampleAsync(pinned, 0);
        Assert.Equal("CPU", (await pinned.NextOutcomeAsync()).Result.Execution.Provider);
        var ladder = await server.LadderAsync();
        Assert.Equal((1u, 1u), (ladder[0].Sessions, ladder[1].Sessions));
        // An operator sees what each of them runs on, not what a session that opens now would.
        Assert.Equal([LadderServer.Provider, "CPU"], (await server.SessionsAsync()).Select(static session => session.Execution.Provider));

        await pinned.CompleteAsync();
        await pinned.RestAsync();
        await server.Process.WaitForErrorAsync("CPU was freed");
        Assert.All(await server.AnalyzeAsync(), static outcome => Assert.Equal(LadderServer.Provider, outcome.Result.Execution.Provider));
        Assert.Equal(built, BuiltIn(Log));
    }

    [Fact]
    public async Task What_was_compiled_before_serves_from_the_start_and_a_damaged_engine_is_built_again()
    {
        var lines = (await CompileAsync(["--json"], Builds)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal("built", lines[^1].GetProperty("state").GetString());
        Assert.Contains(lines, static line => line.GetProperty("message").GetString()!.Contains("so far", StringComparison.Ordinal));
        var built = BuiltIn(Log);

        Assert.NotEqual(0, built);
        Assert.Contains("there already", await CompileAsync([], Builds), StringComparison.Ordinal);
        Assert.Equal(built, BuiltIn(Log));

        await using (var server = await LadderServer.StartAsync(Place, Builds, (StandIn.LogVariable, Log)))
        {
            Assert.EndsWith("provider=StandIn precision=fp32", server.ReadyLine, StringComparison.Ordinal);
            Assert.Equal(built, BuiltIn(Log));
        }

        var engine = Directory.GetFiles(_directory["engines"], "*", SearchOption.AllDirectories)
            .First(static file => !file.EndsWith(".json", StringComparison.Ordinal) && !file.EndsWith(".lock", StringComparison.Ordinal));
        File.AppendAllText(engine, "x");
        await using (var server = await LadderServer.StartAsync(Place, Builds, (StandIn.LogVariable, Log)))
        {
            Assert.EndsWith("provider=CPU precision=fp32", server.ReadyLine, StringComparison.Ordinal);
            Assert.Contains("has changed", server.Process.Error, StringComparison.Ordinal);
            await server.WaitForAsync(RungState.Serving);
            Assert.Equal(built + Graphs, BuiltIn(Log));
        }
    }

    [Fact]
    public async Task Another_option_is_another_engine()
    {
        await CompileAsync([], Builds);
        var built = BuiltIn(Log);
        Assert.NotEqual(0, built);
        await CompileAsync([], [.. Builds, "Buckets=1"]);
        Assert.Equal(built + Graphs, BuiltIn(Log));
    }

    [Fact]
    public async Task A_build_that_fails_leaves_the_CPU_serving_and_says_why()
    {
        await using var server = await LadderServer.StartAsync(Place, [.. Builds, "Plugins:0:Options:build_seconds=20", "BuildTimeout=5", "ProbeTimeout=120"], (StandIn.LogVariable, Log));
        var rung = await server.WaitForAsync(RungState.Unavailable);
        Assert.Contains("Loupe:Execution:BuildTimeout", rung.Reason, StringComparison.Ordinal);
        Assert.All(await server.AnalyzeAsync(), static outcome => Assert.Equal("CPU", outcome.Result.Execution.Provider));
    }

    [Fact]
    public async Task A_server_that_stops_takes_the_build_with_it()
    {
        await using var server = await LadderServer.StartAsync(Place, [.. Builds, "Plugins:0:Options:build_seconds=20", "ProbeTimeout=120"], (StandIn.LogVariable, Log));
        await Patience.UntilAsync(() => BuildsOf(Place.Engines).Any());
        await server.Process.SignalAsync("TERM");
        Assert.Equal(0, await server.Process.ExitAsync());
        await Patience.UntilAsync(() => !BuildsOf(Place.Engines).Any());
    }

    /// <summary>It would hold the GPU and the lock, for nobody.</summary>
    [Fact]
    public async Task A_server_that_is_killed_takes_the_build_with_it_and_the_next_one_can_build()
    {
        await using var server = await LadderServer.StartAsync(Place, [.. Builds, "Plugins:0:Options:build_seconds=3600", "ProbeTimeout=120"], (StandIn.LogVariable, Log));
        // In the middle of it: the lock is held, and a thread is inside the provider's library.
        await Patience.UntilAsync(() => Directory.Exists(Place.Engines) && Directory.EnumerateDirectories(Place.Engines, "*.building").Any());
        Assert.Single(BuildsOf(Place.Engines));
        var built = BuiltIn(Log);

        await server.Process.SignalAsync("KILL");
        await Patience.UntilAsync(() => !BuildsOf(Place.Engines).Any());
        using var held = await new EngineCache(Place.Engines, NullLogger.Instance).LockAsync(Patience.Token());
        Assert.Equal(built, BuiltIn(Log));
    }

    /// <summary>Runs <c>compile</c>, which must succeed.</summary>
    private async Task<string> CompileAsync(string[] options, string[] settings)
    {
        var (code, output, error) = await ServerProcess.RunAsync(["compile", .. options, .. LadderServer.Arguments(Place, settings)], (StandIn.LogVariable, Log));
        Assert.True(code == 0, error);
        return output;
    }

    /// <summary>Processes that build into a directory.</summary>
    private static IEnumerable<string> BuildsOf(string engines) =>
        Directory.EnumerateDirectories("/proc").Select(static process => Path.Combine(process, "cmdline")).Where(File.Exists).Select(ReadOrNothing)
            .Where(line => line.Contains("\0compile\0", StringComparison.Ordinal) && line.Contains(engines, StringComparison.Ordinal));

    private static string ReadOrNothing(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // It has just ended.
            return string.Empty;
        }
    }

    /// <summary>Engines that the stand-in built so far.</summary>
    private static int BuiltIn(string log) => File.ReadAllLines(log).Count(static line => line.StartsWith("engine-built", StringComparison.Ordinal));
}
