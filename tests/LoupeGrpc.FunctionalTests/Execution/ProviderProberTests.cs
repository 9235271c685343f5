using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Execution.Probing;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Execution;

/// <summary>When the prober asks again. How often a library was asked, it says itself: each trial opens one session.</summary>
public sealed class ProviderProberTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly TemporaryDirectory _temporary = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero));
    private readonly ProviderProber _prober;

    public ProviderProberTests() => _prober = new ProviderProber(TestHost.Create(_temporary["cache"]), _time);

    private int Trials => File.Exists(_temporary["log"]) ? File.ReadAllLines(_temporary["log"]).Length : 0;

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task An_answer_is_remembered_by_this_process_and_the_next()
    {
        var first = await ProbeAsync(Target());
        _time.Advance(TimeSpan.FromDays(365));
        var second = await ProbeAsync(Target());
        var third = await new ProviderProber(TestHost.Create(_temporary["cache"]), _time).ProbeAsync(Target(), Limit, Patience.Token());

        Assert.True(first.Runs, first.Reason);
        Assert.Equivalent(first, second, strict: true);
        Assert.Equivalent(first, third, strict: true);
        Assert.Equal(1, Trials);
    }

    [Fact]
    public async Task Another_library_or_option_or_device_is_another_question()
    {
        var target = Target();
        await ProbeAsync(target);
        await ProbeAsync(target with { Library = StandIn.CopyTo(_temporary["libcopy.so"]) });
        Assert.Equal(2, Trials);
        await ProbeAsync(target with { Options = new Dictionary<string, string>(target.Options) { ["max_batch"] = "4" } });
        Assert.Equal(3, Trials);
        Assert.False((await ProbeAsync(target with { DeviceIndex = 1 })).Runs);
    }

    [Fact]
    public async Task A_library_that_was_replaced_is_tried_again()
    {
        var library = StandIn.CopyTo(_temporary["libown.so"]);
        await ProbeAsync(Target() with { Library = library });
        await ProbeAsync(Target() with { Library = library });
        Assert.Equal(1, Trials);

        // As an update does it: a new file under the old name.
        File.Delete(library);
        File.Copy(StandIn.Library, library);
        await ProbeAsync(Target() with { Library = library });
        Assert.Equal(2, Trials);
    }

    [Fact]
    public async Task A_failure_is_remembered_for_an_hour()
    {
        var first = await ProbeAsync(Target(("mode", "crash-at-create")));
        _time.Advance(ProbeCache.LifeOfFailures - TimeSpan.FromSeconds(1));
        var second = await ProbeAsync(Target(("mode", "crash-at-create")));
        Assert.Equal((TrialOutcome.Crashed, 1), (first.Outcome, Trials));
        Assert.Equivalent(first, second, strict: true);

        _time.Advance(TimeSpan.FromSeconds(1));
        await ProbeAsync(Target(("mode", "crash-at-create")));
        Assert.Equal(2, Trials);
    }

    [Fact]
    public async Task A_new_answer_replaces_the_old_one()
    {
        await ProbeAsync(Target());
        var anew = await _prober.ProbeAnewAsync(Target(), Limit, Patience.Token());
        Assert.Equal(2, Trials);
        Assert.Equivalent(anew, await ProbeAsync(Target()), strict: true);
        Assert.Equal(2, Trials);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"written":"2026-11-25T00:00:00+00:00"}""")]
    [InlineData("""{"written":"2026-11-25T00:00:00+00:00","report":{"provider":"Other","kind":"PLUGIN","runs":true}}""")]
    public async Task A_damaged_answer_is_as_none(string content)
    {
        await ProbeAsync(Target());
        var file = Assert.Single(Directory.GetFiles(_temporary["cache", "probes"]));
        await File.WriteAllTextAsync(file, content, Patience.Token());

        Assert.True((await ProbeAsync(Target())).Runs);
        Assert.Equal(2, Trials);
        Assert.True((await ProbeAsync(Target())).Runs);
        Assert.Equal(2, Trials);
    }

    [Fact]
    public async Task Without_a_place_for_answers_it_asks_each_time()
    {
        await File.WriteAllTextAsync(_temporary["cache"], "in the way", Patience.Token());
        Assert.True((await ProbeAsync(Target())).Runs);
        Assert.True((await ProbeAsync(Target())).Runs);
        Assert.True((await new ProviderProber(TestHost.Create(null), _time).ProbeAsync(Target(), Limit, Patience.Token())).Runs);
        Assert.Equal(3, Trials);
    }

    [Fact]
    public async Task A_trial_that_is_cancelled_ends_its_process()
    {
        using var stop = new CancellationTokenSource();
        var probing = _prober.ProbeAsync(Target(("mode", "hang-at-create")), Limit, stop.Token);
        await Patience.UntilAsync(() => Trials == 1 && File.ReadAllText(_temporary["log"]).EndsWith('\n'));
        var process = int.Parse((await File.ReadAllTextAsync(_temporary["log"], Patience.Token())).Split(' ')[1]);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probing);
        Assert.False(ProbeTests.IsAlive(process));
        Assert.False(Directory.Exists(_temporary["cache", "probes"]));
    }

    [Fact]
    public async Task A_process_that_ends_before_it_says_a_word_says_nothing_against_the_library_being_there()
    {
        var report = await new ProviderProber(TestHost.Create(null) with { Program = "/bin/false" }, _time).ProbeAsync(Target(), Limit, Patience.Token());

        Assert.Equal((TrialOutcome.Crashed, true, false), (report.Outcome, report.Exists, report.Loads));
        Assert.StartsWith("StandIn crashes: its process ended with exit code 1 before it could load", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_CPU_needs_no_process()
    {
        Assert.True((await ProbeAsync(ExecutionTarget.Cpu)).Runs);
        Assert.False(Directory.Exists(_temporary["cache"]));
    }

    private Task<ProviderReport> ProbeAsync(ExecutionTarget target) => _prober.ProbeAsync(target, Limit, Patience.Token());

    private ExecutionTarget Target(params (string Name, string Value)[] options) => new()
    {
        Kind = ProviderKind.Plugin,
        Provider = "StandIn",
        Library = StandIn.Library,
        Options = options.Append(("log", _temporary["log"])).ToDictionary(static option => option.Item1, static option => option.Item2),
    };
}
