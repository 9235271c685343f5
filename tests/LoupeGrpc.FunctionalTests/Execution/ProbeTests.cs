using System.Text.Json;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Execution;

/// <summary><c>probe</c> as a user runs it, with a provider that has bad days.</summary>
public sealed class ProbeTests(NanoEngine nano) : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("ok", "COMPLETED", true, true, "")]
    [InlineData("crash-at-exit", "COMPLETED", true, true, "")]
    [InlineData("no-device", "COMPLETED", true, false, "StandIn found no device that it can use: ")]
    [InlineData("error-at-start", "COMPLETED", false, false, "StandIn does not load: stand-in: driver and library do not fit together.")]
    [InlineData("error-at-create", "COMPLETED", true, false, "StandIn does not run a graph of one node: stand-in: the device is held by another process.")]
    [InlineData("crash-at-load", "CRASHED", false, false, "StandIn crashes: its process ended with SIGABRT before it could load: stand-in: the device does not answer.")]
    [InlineData("crash-at-create", "CRASHED", true, false, "StandIn crashes: its process ended with SIGABRT before it could run a graph of one node")]
    [InlineData("hang", "TIMED_OUT", false, false, "StandIn hangs: it did not load within 3 s.")]
    [InlineData("hang-at-create", "TIMED_OUT", true, false, "StandIn hangs: it did not run a graph of one node within 30 s.")]
    public async Task What_a_library_does_is_an_answer_and_no_accident(string mode, string outcome, bool loads, bool runs, string reason)
    {
        // The second has to come as far as its session first.
        var limit = mode switch { "hang" => 3, "hang-at-create" => 30, _ => 120 };
        var (code, output, error) = await ProbeAsync(["--json", $"--Loupe:Execution:ProbeTimeout={limit}"], (StandIn.ModeVariable, mode));

        Assert.Equal((0, string.Empty), (code, error.Trim()));
        using var json = JsonDocument.Parse(output);
        var report = Assert.Single(json.RootElement.GetProperty("execution").EnumerateArray());
        Assert.Equal("StandIn", report.GetProperty("provider").GetString());
        Assert.Equal("PLUGIN", report.GetProperty("kind").GetString());
        Assert.Equal(StandIn.Library, report.GetProperty("library").GetString());
        Assert.True(report.GetProperty("exists").GetBoolean());
        Assert.Equal(
            (outcome, loads, runs),
            (report.GetProperty("outcome").GetString(), report.GetProperty("loads").GetBoolean(), report.GetProperty("runs").GetBoolean()));
        Assert.StartsWith(reason, report.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(runs, report.GetProperty("reason").GetString()!.Length == 0);
    }

    [Fact]
    public async Task Devices_are_listed_by_name()
    {
        var (_, output, _) = await ProbeAsync(["--json"], (StandIn.DevicesVariable, "2"));

        using var json = JsonDocument.Parse(output);
        Assert.Equal(
            [(0, "Stand-in 0"), (1, "Stand-in 1")],
            json.RootElement.GetProperty("execution")[0].GetProperty("devices").EnumerateArray()
                .Select(static device => (device.GetProperty("index").GetInt32(), device.GetProperty("name").GetString()!)));
    }

    [Fact]
    public async Task Everything_is_probed_unless_told_otherwise_and_people_are_told_why()
    {
        var (code, output, error) = await ServerProcess.RunAsync(["probe", "--library", $"Absent={_temporary["libabsent.so"]}"], Cache);

        Assert.Equal((0, string.Empty), (code, error.Trim()));
        Assert.Contains("ONNX Runtime  1.31.0", output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^CPU +runs$", output);
        Assert.Matches(@"(?m)^CUDA +(runs$|CUDA )", output);
        Assert.Matches(@"(?m)^TensorRT +(runs$|TensorRT )", output);
        Assert.Matches($@"(?m)^Absent +There is no file {_temporary["libabsent.so"]}\.$", output);
    }

    [Fact]
    public async Task Plugins_of_the_settings_are_probed_with_their_options()
    {
        var log = _temporary["log"];
        var (_, output, _) = await ServerProcess.RunAsync(
            ["probe", "--provider", "Configured"],
            Cache,
            ("Loupe__Execution__Plugins__0__Name", "Configured"),
            ("Loupe__Execution__Plugins__0__Path", StandIn.Library),
            ("Loupe__Execution__Plugins__0__Options__log", log));

        Assert.Matches(@"(?m)^Configured +runs$", output);
        Assert.True(File.Exists(log));
    }

    [Theory]
    [InlineData("--library nothing", "expected NAME=PATH")]
    [InlineData("--library CUDA=x.so", "the name CUDA is taken")]
    [InlineData("--provider Abacus", "there is no such provider, only CPU, CUDA, TensorRT")]
    [InlineData("--Loupe:Execution:ProbeTimeout=soon", "Loupe:Execution:ProbeTimeout")]
    public async Task Wrong_usage_has_exit_code_2(string arguments, string expected)
    {
        var (code, output, error) = await ServerProcess.RunAsync(["probe", .. arguments.Split(' ')]);

        Assert.Equal((2, string.Empty), (code, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_library_that_hangs_does_not_outlive_who_asked()
    {
        var log = _temporary["log"];
        int hanging;
        await using (var probe = ServerProcess.Start(Arguments([]), Cache, (StandIn.ModeVariable, "hang"), (StandIn.LogVariable, log)))
        {
            await Patience.UntilAsync(() => File.Exists(log) && File.ReadAllText(log).EndsWith('\n'));
            hanging = int.Parse(File.ReadAllText(log).Split(' ')[1]);
            Assert.True(Directory.Exists($"/proc/{hanging}"));
            await probe.SignalAsync("KILL");
        }

        await Patience.UntilAsync(() => !IsAlive(hanging));
    }

    [Fact]
    public async Task Nor_a_server_that_was_killed_before_it_was_ready()
    {
        var log = _temporary["log"];
        int hanging;
        var place = new LadderPlace(_temporary.FullName, nano.CacheDirectory);
        await using (var server = LadderServer.Start(place, [], (StandIn.ModeVariable, "hang"), (StandIn.LogVariable, log)))
        {
            await Patience.UntilAsync(() => File.Exists(log) && File.ReadAllText(log).EndsWith('\n'));
            hanging = int.Parse(File.ReadAllText(log).Split(' ')[1]);
            Assert.True(IsAlive(hanging));
            await server.SignalAsync("KILL");
        }

        await Patience.UntilAsync(() => !IsAlive(hanging));
    }

    /// <summary>Somebody may have to collect its exit code yet.</summary>
    internal static bool IsAlive(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1][0] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    private (string Name, string Value) Cache => ("Loupe__Model__CacheDirectory", _temporary.FullName);

    private static string[] Arguments(string[] more) => ["probe", "--provider", "StandIn", "--library", $"StandIn={StandIn.Library}", .. more];

    private Task<(int Code, string Output, string Error)> ProbeAsync(string[] arguments, params (string Name, string Value)[] environment) =>
        ServerProcess.RunAsync(Arguments(arguments), [Cache, .. environment]);
}
