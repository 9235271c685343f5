using System.Text;
using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Commands;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>The program from arguments to exit code, against a server that answers what a test tells it.</summary>
public sealed class CliTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Help_is_about_the_options_and_formats_that_there_are()
    {
        var (analyze, stream) = (await CliRun.OfAsync(["analyze", "--help"]), await CliRun.OfAsync(["stream", "--help"]));
        Assert.Contains("--skip-done", analyze.Output, StringComparison.Ordinal);
        Assert.Contains("HEIC and AVIF", string.Join(' ', analyze.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("--skip-done", stream.Output, StringComparison.Ordinal);
        Assert.Contains("Folder for overlays and masks.", string.Join(' ', stream.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Results_come_in_input_order_with_failures_in_their_place()
    {
        await using var server = await StartAsync();
        Write("b/2.png", [60]);
        Write("b/1.jpg", [10]);
        Write("b/notes.txt", [1]);
        Write("a.bmp", [20]);

        var run = await RunAsync(server, "analyze", At("b"), At("missing.png"), At("a.bmp"), "--format", "jsonl");

        Assert.Equal(20, run.ExitCode);
        Assert.Equal([At("b/1.jpg"), At("b/2.png"), At("missing.png"), At("a.bmp")], run.Lines.Select(line => (string?)line["path"]));
        Assert.Equal([0, 1, 2, 3], run.Lines.Select(line => (int?)line["frame_id"]));
        Assert.Equal(["AUTHENTIC", "MANIPULATED", null, "AUTHENTIC"], run.Lines.Select(line => (string?)line["verdict"]));
        Assert.Equal("NOT_FOUND", (string?)run.Lines[2]["error"]!["code"]);
        Assert.Contains("fake-model is a demonstration model", Assert.Single(run.Error.Split('\n'), line => line.Contains("demonstration", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10, 0)]
    [InlineData(60, 10)]
    public async Task The_exit_code_says_whether_something_is_manipulated(byte score, int exitCode)
    {
        await using var server = await StartAsync();
        Write("a.png", [score]);

        var run = await RunAsync(server, "analyze", At("a.png"), "--format", "csv");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.StartsWith("path,frame_id,", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_server_is_exit_code_69_with_the_remedy()
    {
        Write("a.png", [1]);

        var run = await RunAsync("analyze", At("a.png"), "--server", "http://127.0.0.1:1", "--connect-timeout", "0");

        Assert.Equal(69, run.ExitCode);
        Assert.Contains("no LoupeGrpc server at http://127.0.0.1:1: is it running?", run.Error, StringComparison.Ordinal);
        Assert.Contains("--server URL", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData]
    [InlineData("analyze")]
    [InlineData("analyze", "x", "--thresholds", "0.6,0.4")]
    [InlineData("analyze", "x", "--format", "xml")]
    [InlineData("analyze", "x", "--server", "127.0.0.1:5005")]
    [InlineData("analyze", "--files-from", "/nowhere/list")]
    [InlineData("stream")]
    [InlineData("stream", "x", "--delivery", "budget:0")]
    [InlineData("stream", "x", "--fps", "0")]
    [InlineData("stream", "x", "--max-frames", "0")]
    [InlineData("stream", "x", "--session", "gate\e[31m")]
    [InlineData("stream", "x", "--plot", "curves.jpg")]
    [InlineData("analyze", "x", "--null")]
    [InlineData("stream", "x", "--snapshot", "state")]
    [InlineData("stream", "x", "--dual")]
    [InlineData("stream", "--adapt", "--dual", "x")]
    [InlineData("stream", "x", "--resume", "/nowhere/state")]
    [InlineData("stream", "x", "--resume", "/dev/null")]
    [InlineData("stream", "x", "--adapt", "--snapshot", "/nowhere/state")]
    [InlineData("stream", "x", "--adapt", "--snapshot", "/proc")]
    [InlineData("stream", "x", "--plot", "/nowhere/curves.png")]
    [InlineData("dance")]
    public async Task Wrong_usage_is_exit_code_2_and_says_what_is_wrong(params string[] args)
    {
        var run = await RunAsync(args);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("error: Unrecognized command or argument 'analyse'. Did you mean analyze?", "analyse", "x.png")]
    [InlineData("error: '--msk' is not an option, and no file has this name. Did you mean --mask?", "analyze", "--msk", "always", "x.png")]
    [InlineData("error: '--msk=always' is not an option, and no file has this name. Did you mean --mask?", "analyze", "x.png", "--msk=always")]
    [InlineData("error: '--dlivery' is not an option, and no file has this name. Did you mean --delivery?", "stream", "--dlivery", "every", "x.avi")]
    [InlineData("error: '-q' is not an option, and no file has this name.", "analyze", "-q", "x.png", "--", "-y.png")]
    [InlineData("error: Unrecognized command or argument '--jsno'. Did you mean --json?", "info", "--jsno")]
    public async Task A_misspelled_word_is_no_path_and_gets_a_suggestion(string expected, params string[] args)
    {
        var run = await RunAsync(args);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error.Split(Environment.NewLine));
        Assert.DoesNotContain("-y.png", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_may_be_named_like_an_option()
    {
        await using var server = await StartAsync();

        var run = await CliRun.OfAsync(["analyze", "--format", "jsonl", "--server", server.Address.ToString(), "--", "-y.png", "--msk"]);

        Assert.Equal(20, run.ExitCode);
        Assert.Equal(["-y.png", "--msk"], run.Lines.Select(static line => (string?)line["path"]));
    }

    [Theory]
    [InlineData("analyze")]
    [InlineData("stream")]
    public async Task A_connection_that_breaks_is_told_and_costs_nothing(string command)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = _ => ScriptedAnalyzer.Result(0.1f) });
        using var relay = new BreakingRelay(server) { Fates = [new() { AfterResponses = 3 }, new() { AfterResponses = 4 }] };
        await using var host = await FakeHost.StartAsync(relay);
        for (var i = 0; i < 12; i++)
        {
            Write($"{i:00}.png", [1]);
        }

        var run = await CliRun.OfAsync([command, _folder, "--format", "jsonl", "--server", host.Address.ToString()]);

        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Equal(Enumerable.Range(0, 12), run.Lines.Select(line => (int)line["frame_id"]!));
        Assert.All(run.Lines, line => Assert.Equal("RESULT", (string?)line["outcome"]));
        Assert.True(run.Error.Split("the session goes on").Length == 3, run.Error);
        Assert.Equal(2, run.Error.Split('\n').Count(line => line.StartsWith($"warning: the connection to {host.Address.GetLeftPart(UriPartial.Authority)} broke", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_server_that_goes_away_leaves_a_line_for_every_input()
    {
        var service = new FakeAnalysisService { Credits = 4, AbortAfter = 3, IsGated = true };
        await using var server = await FakeAnalysisServer.StartAsync(service);
        for (var i = 0; i < 12; i++)
        {
            Write($"{i:00}.png", [1]);
        }

        var run = await RunAsync(server, "analyze", _folder, At("missing.png"), "--format", "jsonl");

        Assert.Equal(20, run.ExitCode);
        Assert.Equal(Enumerable.Range(0, 13), run.Lines.Select(line => (int)line["frame_id"]!));
        Assert.All(run.Lines.Take(12), line => Assert.Equal("CONNECTION_LOST", (string?)line["error"]!["code"]));
        Assert.Equal("NOT_FOUND", (string?)run.Lines[12]["error"]!["code"]);
    }

    [Fact]
    public async Task A_drain_that_leaves_frames_out_is_no_success()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService
        {
            Answer = (frame, sequence) => sequence == 0
                ? FakeAnalysisService.Result(frame, sequence, 0)
                : new FrameOutcome { FrameId = frame.FrameId, Sequence = sequence, Dropped = new Dropped { Reason = DropReason.SessionEnded } },
        });
        Write("0.png", [1]);
        Write("1.png", [1]);

        var run = await RunAsync(server, "analyze", _folder, "--format", "jsonl");

        Assert.Equal(20, run.ExitCode);
        Assert.Equal("SESSION_ENDED", (string?)run.Lines[1]["reason"]);
    }

    [Fact]
    public async Task Ctrl_C_gives_back_what_was_in_flight_and_exits_with_130()
    {
        var service = new FakeAnalysisService { IsGated = true };
        await using var server = await FakeAnalysisServer.StartAsync(service);
        Write("a.png", [1]);
        using var host = new CliHost(new MemoryStream(), TextWriter.Null, Stream.Null);

        var running = CommandLineApp.RunAsync(["analyze", At("a.png"), "--format", "jsonl", "--server", server.Address.ToString()], host);
        await service.ReceivedAsync(1);
        host.RequestInterrupt();
        service.LetThrough(1);

        Assert.Equal(130, await running);
        var line = JsonNode.Parse(((MemoryStream)host.Output).ToArray())!;
        Assert.Equal("RESULT", (string?)line["outcome"]);
    }

    [Fact]
    public async Task Files_from_standard_input_and_patterns_are_expanded()
    {
        await using var server = await StartAsync();
        Write("x/a.png", [1]);
        Write("x/y/b.png", [2]);
        Write("c.tif", [3]);

        var run = await RunAsync(server, new MemoryStream(Encoding.UTF8.GetBytes($"{At("c.tif")}\n\n{At("x/**/*.png")}\r\n")), "analyze", "--files-from", "-", "--format", "jsonl");

        Assert.Equal([At("c.tif"), At("x/a.png"), At("x/y/b.png")], run.Lines.Select(line => (string?)line["path"]));
    }

    [Fact]
    public async Task Thresholds_and_mask_policy_reach_the_server()
    {
        var service = new FakeAnalysisService();
        await using var server = await FakeAnalysisServer.StartAsync(service);
        Write("a.png", [1]);

        await RunAsync(server, "stream", _folder, "--thresholds", "0.25,0.75", "--mask", "always", "--delivery", "budget:250", "--session", "gate");

        Assert.Equal(new Thresholds { Low = 0.25f, High = 0.75f }, service.Opened.Thresholds);
        Assert.Equal((MaskPolicy.Always, MaskEncoding.Rle), (service.Opened.Mask.Policy, service.Opened.Mask.Encoding));
        Assert.Equal(DeliveryMode.StalenessBudget, service.Opened.Delivery.Mode);
        Assert.Equal(TimeSpan.FromMilliseconds(250), service.Opened.Delivery.StalenessBudget.ToTimeSpan());
        Assert.Equal("gate", service.Opened.SessionName);
    }

    [Fact]
    public async Task A_video_is_streamed_as_pixels_with_times()
    {
        var service = new FakeAnalysisService();
        await using var server = await FakeAnalysisServer.StartAsync(service);
        var clip = TestData.Sample("clip.avi");

        var run = await RunAsync(server, "stream", clip, "--fps", "3", "--max-frames", "5", "--format", "jsonl");

        Assert.Equal(0, run.ExitCode);
        Assert.All(run.Lines, line => Assert.Equal(clip, (string?)line["path"]));
        Assert.Equal([0, 4 / 12.0, 8 / 12.0, 1, 16 / 12.0], run.Lines.Select(line => (double)line["time_s"]!));
        Assert.All(service.Frames, frame => Assert.Equal((PixelFormat.Bgr24, 320U, 240U, 320 * 240 * 3), Shape(frame)));
        var steps = service.Frames.Zip(service.Frames.Skip(1), (one, next) => (next.CaptureTime - one.CaptureTime).ToTimeSpan().TotalSeconds);
        Assert.All(steps, step => Assert.Equal(4 / 12.0, step, 3));
    }

    [Theory]
    [InlineData("png")]
    [InlineData("SVG")]
    public async Task A_video_is_plotted_over_time(string format)
    {
        await using var server = await StartVideoAsync();

        var run = await RunAsync(server, "stream", TestData.Sample("clip.avi"), "--max-frames", "20", "--plot", At($"curves.{format}"));

        Assert.Equal(10, run.ExitCode);
        await PlotAssert.ShowsAsync(At($"curves.{format}"), "score", "mask area (%)", "time (s)", TestData.Sample("clip.avi"));
    }

    [Fact]
    public async Task Nothing_to_plot_is_said()
    {
        var run = await RunAsync("stream", At("nothing-here.mp4"), "--plot", At("curves.png"));

        Assert.Equal(20, run.ExitCode);
        Assert.Contains($"no plot in {At("curves.png")}: nothing was analysed", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(At("curves.png")));
    }

    [Theory]
    [InlineData("nothing-here.mp4", "NOT_FOUND")]
    [InlineData("broken.mp4", "UNREADABLE")]
    [InlineData("empty", "NOT_FOUND")]
    public async Task A_source_that_cannot_be_opened_needs_no_server(string name, string code)
    {
        Write("broken.mp4", "not a video"u8.ToArray());
        Directory.CreateDirectory(At("empty"));

        var run = await RunAsync("stream", At(name), "--format", "jsonl", "--server", "http://127.0.0.1:1");

        Assert.Equal(20, run.ExitCode);
        Assert.Equal(code, (string?)Assert.Single(run.Lines)["error"]!["code"]);
    }

    [Fact]
    public async Task Overlays_masks_and_the_authors_form_are_written()
    {
        var mask = new Mask { Rle = new CocoRle { Size = { 240, 320 }, Counts = "ooZ21" }, Area = 1 };
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService
        {
            Answer = (frame, sequence) =>
            {
                var outcome = FakeAnalysisService.Result(frame, sequence, sequence == 0 ? 0.1f : 0.87654f, sequence == 0 ? null : mask);
                (outcome.Result.Width, outcome.Result.Height) = (320, 240);
                return outcome;
            },
        });

        var run = await RunAsync(
            server, "analyze", TestData.Sample("authentic-coffee.jpg"), TestData.Sample("forged-stars-noise.png"), TestData.Sample("authentic-coffee.jpg"),
            "--output", At("out"), "--save-overlays", "--save-masks", "--export-loupe", At("export"));

        Assert.Equal(10, run.ExitCode);
        Assert.Equal("authentic-coffee.jpg,0.1000\nforged-stars-noise.png,0.8765\nauthentic-coffee-2.jpg,0.8765\n", await ReadAsync("export/predictions.txt"));
        string[] all = ["authentic-coffee-2.png", "authentic-coffee.png", "forged-stars-noise.png"];
        Assert.Equal(all, Files("export/masks"));
        Assert.Equal(all, Files("out/overlays"));
        Assert.Equal(["authentic-coffee-2.png", "forged-stars-noise.png"], Files("out/masks"));
    }

    [Fact]
    public async Task Credentials_of_a_stream_are_shown_nowhere()
    {
        var run = await RunAsync("stream", "rtsp://bob:s3cret@127.0.0.1:1/live?token=s3cret2", "--format", "jsonl");

        Assert.Equal(20, run.ExitCode);
        Assert.Equal("rtsp://***@127.0.0.1:1/live?token=***", (string?)Assert.Single(run.Lines)["path"]);
        Assert.DoesNotContain("s3cret", run.Output + run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_is_for_people_or_for_programs()
    {
        await using var server = await StartAsync();

        var people = await RunAsync(server, "info");
        var program = await RunAsync(server, "info", "--json");

        Assert.Equal((0, 0), (people.ExitCode, program.ExitCode));
        Assert.Contains("fake-model 1", people.Output, StringComparison.Ordinal);
        Assert.Equal("fake-model", (string?)Assert.Single(program.Lines)["model"]!["name"]);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("analyze", "--help")]
    [InlineData("stream", "--help")]
    [InlineData("info", "--help")]
    public async Task Help_teaches_with_examples_and_exit_codes(params string[] args)
    {
        var run = await RunAsync(args);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Examples:", run.Output, StringComparison.Ordinal);
        Assert.Contains("Exit codes:", run.Output, StringComparison.Ordinal);
    }

    /// <summary>The first byte of each file is its score in percent.</summary>
    private static Task<FakeAnalysisServer> StartAsync() => FakeAnalysisServer.StartAsync(new FakeAnalysisService
    {
        Answer = (frame, sequence) => FakeAnalysisService.Result(frame, sequence, frame.Encoded.Data[0] / 100f),
    });

    /// <summary>Scores rise with the frames.</summary>
    private static Task<FakeAnalysisServer> StartVideoAsync() => FakeAnalysisServer.StartAsync(new FakeAnalysisService
    {
        Answer = (frame, sequence) => FakeAnalysisService.Result(frame, sequence, sequence / 20f, new Mask { Area = 1000 * sequence }),
    });

    private static (PixelFormat Format, uint Width, uint Height, int Bytes) Shape(Frame frame) =>
        (frame.Raw.Format.PixelFormat, frame.Raw.Format.Width, frame.Raw.Format.Height, frame.Raw.Data.Length);

    private static Task<CliRun> RunAsync(FakeAnalysisServer server, params string[] args) => RunAsync(server, Stream.Null, args);

    private static Task<CliRun> RunAsync(FakeAnalysisServer server, Stream input, params string[] args) =>
        CliRun.OfAsync([.. args, "--server", server.Address.ToString()], input);

    private static Task<CliRun> RunAsync(params string[] args) => CliRun.OfAsync(args);

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, byte[] data)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), data);
    }

    private Task<string> ReadAsync(string name) => File.ReadAllTextAsync(At(name), TestContext.Current.CancellationToken);

    private IEnumerable<string?> Files(string folder) => Directory.GetFiles(At(folder)).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
