using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Commands;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`stream --adapt` and what it leaves behind, against the real engine.</summary>
public sealed class StreamAdaptationTests(NanoEngine nano) : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(nano.Analyzer);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_stream_cut_by_snapshot_and_resume_is_answered_like_one_that_was_not()
    {
        var whole = await RunAsync("stream", Frames(0, 8), "--adapt", "--mask", "always", "--format", "jsonl");
        var first = await RunAsync("stream", Frames(0, 4), "--adapt", "--mask", "always", "--format", "jsonl", "--snapshot", _folder["state"]);
        var second = await RunAsync("stream", Frames(4, 4), "--resume", _folder["state"], "--mask", "always", "--format", "jsonl");

        var learned = (int)whole.Lines[4]["adaptation"]!["step"]!;
        Assert.InRange(learned, 1, 4);
        Assert.Contains($"adaptation state after step {learned} written to {_folder["state"]}", first.Error, StringComparison.Ordinal);
        Assert.Equal(whole.Lines.Select(Essence), first.Lines.Concat(second.Lines).Select(Essence));
        Assert.Empty(Directory.GetFiles(_folder.FullName, ".*"));

        static string Essence(JsonNode line) => $"{line["score"]} {line["adaptation"]!["step"]} {line["adaptation"]!["hash"]} {line["mask"]!["counts"]}";
    }

    [Fact]
    public async Task Step_drift_and_loss_are_shown_and_the_difference_of_the_masks()
    {
        var run = await RunAsync("stream", Frames(0, 3), "--adapt", "--dual", "--mask", "always", "--format", "jsonl");
        var table = await RunAsync("stream", Frames(0, 3), "--adapt", "--dual", "2", "--mask", "always");

        Assert.Contains("1 done; step 0, drift 0.0000, dual 0.0 %", run.Error.Split('\n'));
        Assert.Matches(@"adaptation: 3 steps, drift 0\.\d{4}, last loss \d+\.\d\d", run.Error);
        Assert.All(run.Lines, line => Assert.InRange((double)line["mask_disagreement"]!, 0, 1));
        Assert.Equal(2, table.Output.Split("[masks differ on ").Length - 1);
    }

    [Theory]
    [InlineData("png")]
    [InlineData("svg")]
    public async Task The_plot_is_a_picture_of_what_was_learned(string format)
    {
        var file = _folder[$"plot.{format}"];

        var run = await RunAsync("stream", Frames(0, 3), "--adapt", "--plot", file);

        Assert.Contains($"plot written to {file}", run.Error, StringComparison.Ordinal);
        await PlotAssert.ShowsAsync(file, "score", "mask area", "loss of the last step", "parameter drift", "frame");
    }

    [Fact]
    public async Task A_snapshot_that_is_none_is_refused_before_a_frame_is_sent()
    {
        await RunAsync("stream", Frames(0, 2), "--adapt", "--snapshot", _folder["state"]);
        var state = await File.ReadAllBytesAsync(_folder["state"], TestContext.Current.CancellationToken);
        state[^1] ^= 1;
        await File.WriteAllBytesAsync(_folder["damaged"], state, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder["text"], "not a snapshot", TestContext.Current.CancellationToken);

        foreach (var name in (string[])["damaged", "text"])
        {
            var run = await RunAsync("stream", Frames(0, 2), "--resume", _folder[name], "--format", "jsonl");

            Assert.Equal(2, run.ExitCode);
            Assert.Contains($"error: --resume {_folder[name]}: ", run.Error, StringComparison.Ordinal);
            Assert.Empty(run.Output);
        }
    }

    [Fact]
    public async Task A_server_that_cannot_adapt_is_told_before_a_frame_is_sent()
    {
        await using var small = await RunningServer.StartAsync(
            nano.Analyzer, new LoupeOptions { Adaptation = new AdaptationOptions { MaxStateBytes = 1 } });

        var run = await CliRun.OfAsync(
            ["stream", Frames(0, 2), "--adapt", "--snapshot", _folder["state"], "--format", "jsonl", "--server", small.Server.Grpc.ToString()]);

        Assert.Equal(69, run.ExitCode);
        Assert.Contains("Loupe:Adaptation:MaxStateBytes", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.False(File.Exists(_folder["state"]));
    }

    [Fact]
    public async Task Ctrl_C_saves_what_was_learned_so_far()
    {
        await using var output = new MemoryStream();
        using var host = new CliHost(output, TextWriter.Null, Stream.Null);

        // One frame at once, the next only after hours.
        var running = CommandLineApp.RunAsync(
            ["stream", Frames(0, 2), "--fps", "0.0001", "--delivery", "freshest", "--adapt", "--format", "jsonl", "--snapshot", _folder["state"],
                "--server", _server.Server.Grpc.ToString()],
            host);
        await Patience.UntilAsync(() => output.Length > 0);
        host.RequestInterrupt();

        Assert.Equal(130, await running);
        var resumed = await RunAsync("stream", Frames(1, 1), "--resume", _folder["state"], "--format", "jsonl");
        Assert.Equal(1, (int?)Assert.Single(resumed.Lines)["adaptation"]!["step"]);
    }

    private Task<CliRun> RunAsync(params string[] args) => CliRun.OfAsync([.. args, "--server", _server.Server.Grpc.ToString()]);

    /// <summary>A folder with some of the reference's frames.</summary>
    private string Frames(int first, int count)
    {
        var folder = Directory.CreateDirectory(_folder[$"frames-{first}-{count}"]);
        foreach (var number in Enumerable.Range(first, count))
        {
            File.Copy(TestData.Golden("nano-tta", "scale", $"frame-{number:000}.png"), Path.Combine(folder.FullName, $"{number:000}.png"), overwrite: true);
        }

        return folder.FullName;
    }
}
