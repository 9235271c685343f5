using System.Diagnostics;
using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`analyze` from files on a disk to files on a disk, against a server that answers what a test tells it.</summary>
public sealed class AnalyzeFilesTests : IAsyncLifetime
{
    private static readonly byte[] Whole = File.ReadAllBytes(TestData.Golden("faults", "jpeg-whole.jpg"));
    private static readonly byte[] Hole = File.ReadAllBytes(TestData.Golden("faults", "jpeg-hole-1k.jpg"));
    private static readonly byte[] Small = File.ReadAllBytes(TestData.Golden("faults", "mpo-two-pictures.jpg"));

    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-files-").FullName;
    private FakeAnalysisServer _server = null!;
    private int _answered;

    /// <summary>Whole pictures are forged and have a mask, small ones are authentic and have none. Others are no pictures.</summary>
    public async ValueTask InitializeAsync() => _server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Answer = Answer });

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        using var remove = Process.Start("rm", ["-rf", _folder]);
        await remove.WaitForExitAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Names_that_are_not_utf8_have_their_rows_in_folders_lists_and_arguments()
    {
        await ShellAsync("""mkdir $'caf\xe9'; cp "$WHOLE" a.jpg; cp "$WHOLE" $'caf\xe9/b.jpg'; cp "$SMALL" $'n\xe9.jpg'; printf 'n\xe9.jpg\0' > list""");

        var folder = await ClientProcess.RunAsync("\"$CLIENT\" analyze . --format jsonl", _folder, _server.Address);
        var argument = await ClientProcess.RunAsync(@"""$CLIENT"" analyze $'n\xe9.jpg' $'caf\xe9' --save-masks --output out --format jsonl", _folder, _server.Address);
        var list = await ClientProcess.RunAsync("\"$CLIENT\" analyze --files-from list -0 --format jsonl", _folder, _server.Address);
        var table = await ClientProcess.RunAsync(@"""$CLIENT"" analyze $'n\xe9.jpg'", _folder, _server.Address);

        Assert.Equal(["./a.jpg MANIPULATED", @"./caf\xe9/b.jpg MANIPULATED", @"./n\xe9.jpg AUTHENTIC"], Verdicts(folder.Output));
        Assert.Equal([@"n\xe9.jpg AUTHENTIC", @"caf\xe9/b.jpg MANIPULATED"], Verdicts(argument.Output));
        Assert.Equal([@"n\xe9.jpg AUTHENTIC"], Verdicts(list.Output));
        Assert.EndsWith(@"  n\xe9.jpg", table.Output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal([10, 10, 0, 0], [folder.ExitCode, argument.ExitCode, list.ExitCode, table.ExitCode]);
        Assert.Equal(["out/masks/b.png"], Files("out"));
    }

    [Fact]
    public async Task What_a_decoder_says_of_a_damaged_picture_does_not_reach_standard_error()
    {
        Write("hole.jpg", File.ReadAllBytes(TestData.Golden("faults", "jpeg-hole-1k.jpg")));

        var run = await ClientProcess.RunAsync("\"$CLIENT\" analyze hole.jpg --save-overlays --output out", _folder, _server.Address);

        Assert.Equal(10, run.ExitCode);
        Assert.Equal(["out/overlays/hole.png"], Files("out"));
        Assert.DoesNotContain("JPEG data", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_may_not_be_read_costs_itself_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "needs another user");
        await ShellAsync("""mkdir -p locked/closed locked/open; cp "$WHOLE" locked/a.jpg; cp "$WHOLE" locked/closed/b.jpg; cp "$SMALL" locked/open/c.jpg; cp "$SMALL" locked/secret.jpg; cp "$SMALL" locked/secret""");
        await ShellAsync("chmod 755 . locked locked/open; chmod 644 locked/*.jpg locked/open/*; chmod 000 locked/closed locked/secret locked/secret.jpg");
        const string asNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp ";
        Assert.SkipUnless((await ClientProcess.RunAsync($"{asNobody} \"$CLIENT\" --help", _folder)).ExitCode == 0, "the program cannot be run as another user here");

        var run = await ClientProcess.RunAsync($"{asNobody} \"$CLIENT\" analyze locked --format jsonl", _folder, _server.Address);
        var glob = await ClientProcess.RunAsync($"{asNobody} \"$CLIENT\" analyze 'locked/**/*.jpg' --format jsonl", _folder, _server.Address);

        Assert.Equal(
            ["locked/a.jpg MANIPULATED", "locked/closed UNREADABLE", "locked/open/c.jpg AUTHENTIC", "locked/secret UNREADABLE", "locked/secret.jpg UNREADABLE"],
            Verdicts(run.Output));
        Assert.Equal(20, run.ExitCode);
        Assert.Equal("the folder cannot be read: Permission denied", (string?)Lines(run.Output)[1]["error"]!["message"]);
        Assert.Equal(
            ["locked/a.jpg MANIPULATED", "locked/closed UNREADABLE", "locked/open/c.jpg AUTHENTIC", "locked/secret.jpg UNREADABLE"], Verdicts(glob.Output));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task The_first_signal_ends_a_read_that_waits(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs mkfifo");
        await ShellAsync("mkfifo list silent");
        // Shells let programs in the background ignore Ctrl-C.
        await using var inOpening = ClientProcess.Start("exec env --default-signal=INT \"$CLIENT\" analyze --files-from list", _folder, _server.Address);
        await using var inReading = ClientProcess.Start("exec env --default-signal=INT \"$CLIENT\" analyze --files-from - <> silent", _folder, _server.Address);
        await Patience.UntilAsync(() => WaitsForPipe(inOpening.Id) && WaitsForPipe(inReading.Id));

        await inOpening.SignalAsync(signal);
        await inReading.SignalAsync(signal);

        Assert.Equal(130, (await inOpening.EndAsync()).ExitCode);
        Assert.Equal(130, (await inReading.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_file_may_begin_with_an_at_sign()
    {
        Write("@list.jpg", Whole);

        var run = await ClientProcess.RunAsync("\"$CLIENT\" analyze @list.jpg --format jsonl", _folder, _server.Address);

        Assert.Equal(["@list.jpg MANIPULATED"], Verdicts(run.Output));
    }

    [Fact]
    public async Task What_was_passed_over_is_counted_at_the_end()
    {
        await ShellAsync("""cp "$WHOLE" a.jpg; mkfifo b.jpg; echo text > notes.txt; echo text > more.txt; ln -s . c""");

        var run = await RunAsync("analyze", _folder, "--format", "jsonl");

        Assert.Equal(10, run.ExitCode);
        Assert.Single(run.Lines);
        Assert.Contains("2 files were not pictures; 1 link to a folder was not followed; 1 named pipe was passed over", run.Error.Split('\n'));
    }

    [Fact]
    public async Task A_folder_of_frames_is_in_natural_order_and_rows_name_their_files()
    {
        foreach (var number in Enumerable.Range(1, 12))
        {
            Write($"{number}.jpg", Small);
        }

        var run = await RunAsync("stream", _folder, "--format", "jsonl");

        Assert.Equal(Enumerable.Range(1, 12).Select(number => At($"{number}.jpg")), run.Lines.Select(line => (string?)line["source"]));
        Assert.All(run.Lines, line => Assert.Equal(_folder, (string?)line["path"]));
    }

    [Fact]
    public async Task A_mask_of_an_earlier_run_never_stays_beside_a_result_that_has_none()
    {
        string[] everything = ["--save-masks", "--save-overlays", "--output", At("out"), "--export-loupe", At("export"), "--format", "jsonl"];
        Write("1/p.jpg", Whole);
        Write("2/p.jpg", Small);
        Write("3/p.jpg", "no picture"u8.ToArray());

        var first = await RunAsync(["analyze", At("1"), .. everything]);
        Assert.Equal(["export/masks/p.png", "export/predictions.txt", "out/masks/p.png", "out/overlays/p.png"], Files("."));
        Assert.Equal(At("out/masks/p.png"), (string?)first.Lines[0]["mask_file"]);
        Assert.Equal(At("out/overlays/p.png"), (string?)first.Lines[0]["overlay_file"]);
        Assert.Contains($"1 mask written to {At("out/masks")}", first.Error.Split('\n'));

        var second = await RunAsync(["analyze", At("2"), .. everything]);
        Assert.Equal(["export/masks/p.png", "export/predictions.txt", "out/overlays/p.png"], Files("."));
        Assert.Null(second.Lines[0]["mask_file"]);
        Assert.DoesNotContain($"written to {At("out/masks")}", second.Error, StringComparison.Ordinal);
        Assert.Equal("p.jpg,0.1000\n", await File.ReadAllTextAsync(At("export/predictions.txt"), TestContext.Current.CancellationToken));
        using (var black = Cv2.ImRead(At("export/masks/p.png"), ImreadModes.Unchanged))
        {
            Assert.Equal(0, Cv2.CountNonZero(black));
        }

        var third = await RunAsync(["analyze", At("3"), .. everything]);
        Assert.Equal(20, third.ExitCode);
        Assert.DoesNotContain(Files("."), file => file.EndsWith(".png", StringComparison.Ordinal));
        Assert.DoesNotContain("written to", third.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_gives_no_input_another_s_name()
    {
        Write("in/x/a.jpg", Whole);
        Write("in/y/a.png", Whole);
        Write("in/z/a-2.png", Small);

        await RunAsync("analyze", At("in"), "--export-loupe", At("folder"), "--save-overlays", "--output", At("out"));
        await RunAsync("analyze", At("in/x/a.jpg"), At("in/y/a.png"), At("in/z/a-2.png"), "--export-loupe", At("files"));

        Assert.Equal("x/a.jpg,0.9000\ny/a.png,0.9000\nz/a-2.png,0.1000\n", await File.ReadAllTextAsync(At("folder/predictions.txt"), TestContext.Current.CancellationToken));
        Assert.Equal(["folder/masks/x/a.png", "folder/masks/y/a.png", "folder/masks/z/a-2.png", "folder/predictions.txt"], Files("folder"));
        Assert.Equal(["out/overlays/x/a.png", "out/overlays/y/a.png", "out/overlays/z/a-2.png"], Files("out"));
        Assert.Equal("a.jpg,0.9000\na.png,0.9000\na-2.png,0.1000\n", await File.ReadAllTextAsync(At("files/predictions.txt"), TestContext.Current.CancellationToken));
        Assert.Equal(["files/masks/a-2.png", "files/masks/a.jpg.png", "files/masks/a.png.png", "files/predictions.txt"], Files("files"));
    }

    [Fact]
    public async Task A_full_disk_costs_what_does_not_fit_and_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root may mount a small disk");
        await ShellAsync("mkdir in out; for i in 1 2 3 4 5 6; do cp \"$WHOLE\" in/$i.jpg; done");
        Assert.SkipUnless((await ClientProcess.RunAsync("mount -t tmpfs -o size=192k tmpfs out", _folder)).ExitCode == 0, "no disk can be mounted here");
        try
        {
            // Overlays are about 130 kB.
            var run = await RunAsync("analyze", At("in"), "--save-overlays", "--save-masks", "--output", At("out"), "--format", "jsonl");

            Assert.Equal(20, run.ExitCode);
            Assert.Equal(6, run.Lines.Count);
            Assert.All(run.Lines, line => Assert.Equal("RESULT", (string?)line["outcome"]));
            var named = run.Lines.SelectMany(line => new[] { (string?)line["mask_file"], (string?)line["overlay_file"] }).OfType<string>().ToList();
            Assert.NotEmpty(named);
            Assert.Equal(named.Select(file => Path.GetRelativePath(_folder, file)).Order(StringComparer.Ordinal), Files("out"));
            Assert.All(named, AssertWhole);
            Assert.Contains("was not written: No space left on device", run.Error, StringComparison.Ordinal);
            Assert.Matches("(?m)^error: [0-9]+ files could not be written$", run.Error);
        }
        finally
        {
            await ShellAsync("umount out");
        }
    }

    [Theory]
    [InlineData("analyze in --skip-done --output out/r", "error: out/r/results.jsonl does not have all results: No space left on device")]
    [InlineData("stream in --plot out/plot.png", "error: no plot in out/plot.png: No space left on device")]
    [InlineData("analyze in --export-loupe out/e", "error: out/e/masks/1.png was not written: No space left on device")]
    [InlineData("analyze in --report out/r.html", "error: no report in out/r.html: No space left on device")]
    [InlineData("stream in --report out/r.html", "error: no report in out/r.html: No space left on device")]
    public async Task A_disk_that_is_full_from_the_beginning_is_no_fault_of_the_program(string command, string error)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root may mount a small disk");
        await ShellAsync("mkdir in out; for i in 1 2 3; do cp \"$WHOLE\" in/$i.jpg; done");
        Assert.SkipUnless((await ClientProcess.RunAsync("mount -t tmpfs -o size=64k tmpfs out", _folder)).ExitCode == 0, "no disk can be mounted here");
        try
        {
            await ShellAsync("cat /dev/zero > out/all 2> /dev/null || true");

            var run = await ClientProcess.RunAsync($"\"$CLIENT\" {command} --format jsonl", _folder, _server.Address);

            Assert.Equal(20, run.ExitCode);
            Assert.Equal(3, Lines(run.Output).Count);
            Assert.Contains(error, run.Error.Split('\n'));
            Assert.DoesNotContain("written to", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("Exception", run.Error, StringComparison.Ordinal);
        }
        finally
        {
            await ShellAsync("umount out");
        }
    }

    [Theory]
    [InlineData("info")]
    [InlineData("info --json")]
    [InlineData("--help")]
    [InlineData("analyze one.jpg")]
    [InlineData("analyze one.jpg --format csv")]
    [InlineData("stream . --format jsonl")]
    public async Task Without_a_standard_output_results_are_not_delivered_and_it_says_so(string command)
    {
        Write("one.jpg", Whole);

        var closed = await ClientProcess.RunAsync($"\"$CLIENT\" {command} >&-", _folder, _server.Address);

        Assert.Equal(20, closed.ExitCode);
        Assert.Contains("error: standard output is closed: results have nowhere to go (> /dev/null throws them away)", closed.Error.Split('\n'));
        Assert.NotEqual(20, (await ClientProcess.RunAsync($"\"$CLIENT\" {command} > /dev/null", _folder, _server.Address)).ExitCode);
    }

    [Fact]
    public async Task A_run_that_is_killed_leaves_whole_files_and_the_next_one_goes_on_where_it_ended()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a shell");
        const int pictures = 60;
        await ShellAsync($"mkdir in; for i in $(seq {pictures}); do cp \"$WHOLE\" in/$i.jpg; done");
        const string analyze = "exec \"$CLIENT\" analyze in --skip-done --save-masks --save-overlays --output out --export-loupe export --format jsonl";
        var runs = 0;
        for (var wanted = 5; wanted < pictures && runs < 4; runs++)
        {
            await using var killed = ClientProcess.Start(analyze, _folder, _server.Address);
            await Patience.UntilAsync(() => Files("out").Count(file => file.StartsWith("out/overlays/", StringComparison.Ordinal)) >= wanted);
            await killed.SignalAsync("KILL");
            await killed.EndAsync();
            Assert.All(Directory.GetFiles(At("out"), "*.png", SearchOption.AllDirectories), AssertWhole);
            wanted = Files("out").Count(file => file.StartsWith("out/overlays/", StringComparison.Ordinal)) + 5;
        }

        Assert.InRange(runs, 1, 4);
        Assert.False(File.Exists(At("export/predictions.txt")));
        // Half a line, as a machine leaves it that loses its power.
        await ShellAsync("head -c 200 out/results.jsonl >> out/results.jsonl");
        var before = await File.ReadAllLinesAsync(At("out/results.jsonl"), TestContext.Current.CancellationToken);
        var done = before.Length - 1;

        var last = await ClientProcess.RunAsync(analyze, _folder, _server.Address);
        var again = await ClientProcess.RunAsync(analyze, _folder, _server.Address);

        Assert.Equal(10, last.ExitCode);
        Assert.Equal(pictures - done, Lines(last.Output).Count);
        Assert.Contains($"{done} skipped, analysed by an earlier run", last.Error, StringComparison.Ordinal);
        Assert.Equal((10, ""), (again.ExitCode, again.Output));
        Assert.Contains($"{pictures} skipped", again.Error, StringComparison.Ordinal);
        // Each input once in the results and in the export, with its files.
        var results = Lines(await File.ReadAllTextAsync(At("out/results.jsonl"), TestContext.Current.CancellationToken));
        Assert.Equal(pictures, results.Select(line => (string?)line["path"]).Distinct().Count());
        Assert.Equal(pictures, results.Count);
        Assert.All(results, line => AssertWhole(At((string)line["mask_file"]!)));
        Assert.All(results, line => AssertWhole(At((string)line["overlay_file"]!)));
        Assert.Equal(pictures, (await File.ReadAllLinesAsync(At("export/predictions.txt"), TestContext.Current.CancellationToken)).Distinct().Count());
        Assert.Equal(pictures, Files("export/masks").Count());
        Assert.Empty(Directory.GetFiles(_folder, ".loupe-*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_was_done_is_done_again_when_anything_that_matters_changes()
    {
        foreach (var name in (string[])["a.jpg", "b.jpg", "c.jpg"])
        {
            Write($"in/{name}", Whole);
        }

        string[] analyze = ["analyze", At("in"), "--skip-done", "--output", At("out"), "--format", "jsonl"];
        string[] withMasks = [.. analyze, "--save-masks"];
        Assert.Equal(3, (await RunAsync(analyze)).Lines.Count);
        Assert.Empty((await RunAsync(analyze)).Lines);

        // Other times, the same bytes; other bytes; a new file.
        File.SetLastWriteTimeUtc(At("in/a.jpg"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var changed = (byte[])Whole.Clone();
        changed[^30] ^= 1;
        Write("in/b.jpg", changed);
        Write("in/d.jpg", Small);
        Assert.Equal(["b.jpg 1", "d.jpg 3"], Names(await RunAsync(analyze)));

        // Other settings, and files that are not there.
        Assert.Equal(4, (await RunAsync(withMasks)).Lines.Count);
        Assert.Empty((await RunAsync(withMasks)).Lines);
        File.Delete(At("out/masks/c.png"));
        Assert.Equal(["c.jpg 2"], Names(await RunAsync(withMasks)));
        Assert.Equal(4, (await RunAsync([.. withMasks, "--mask", "always"])).Lines.Count);
        Assert.Equal(4, (await RunAsync([.. withMasks, "--export-loupe", At("export")])).Lines.Count);

        // What failed is tried again, and what was found counts.
        Write("in/e.jpg", "no picture"u8.ToArray());
        var failed = await RunAsync([.. withMasks, "--export-loupe", At("export")]);
        Assert.Equal((20, "e.jpg 4"), (failed.ExitCode, Assert.Single(Names(failed))));
        File.Delete(At("in/e.jpg"));
        Assert.Equal(10, (await RunAsync([.. withMasks, "--export-loupe", At("export")])).ExitCode);
        Assert.Equal("a.jpg,0.9000\nb.jpg,0.9000\nc.jpg,0.9000\nd.jpg,0.1000\n", await File.ReadAllTextAsync(At("export/predictions.txt"), TestContext.Current.CancellationToken));

        static IEnumerable<string> Names(CliRun run) => run.Lines.Select(line => $"{Path.GetFileName((string)line["path"]!)} {line["frame_id"]}");
    }

    [Fact]
    public async Task Another_model_does_everything_again_and_two_runs_do_not_share_a_record()
    {
        Write("in/a.jpg", Whole);
        string[] analyze = ["analyze", At("in"), "--skip-done", "--output", At("out"), "--format", "jsonl"];
        Assert.Single((await RunAsync(analyze)).Lines);

        var other = new FakeAnalysisService { Answer = Answer, ModelHash = new string('b', 64) };
        await using (var server = await FakeAnalysisServer.StartAsync(other))
        {
            Assert.Single((await CliRun.OfAsync([.. analyze, "--server", server.Address.ToString()])).Lines);
        }

        using var held = new FileStream(At("out/results.jsonl"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        var refused = await ClientProcess.RunAsync("\"$CLIENT\" analyze in --skip-done --output out", _folder, _server.Address);
        Assert.Equal(2, refused.ExitCode);
        Assert.StartsWith("error: --skip-done: out/results.jsonl cannot be used", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Overlays_are_upright_as_the_server_says_and_without_its_word_as_the_file_does()
    {
        // EXIF of one entry: viewers turn it by a quarter.
        Write("turned.jpg", [.. Whole[..2], 0xFF, 0xE1, 0, 34, .. "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"u8, .. Whole[2..]]);
        foreach (var (said, size) in new[] { (0U, new Size(240, 320)), (6U, new Size(240, 320)), (3U, new Size(320, 240)) })
        {
            await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService
            {
                Answer = (frame, sequence) =>
                {
                    var outcome = FakeAnalysisService.Result(frame, sequence, 0.1f);
                    (outcome.Result.Width, outcome.Result.Height, outcome.Result.Orientation) = (320, 240, said);
                    return outcome;
                },
            });

            await CliRun.OfAsync(["analyze", At("turned.jpg"), "--save-overlays", "--output", At("out"), "--server", server.Address.ToString()]);

            using var overlay = Cv2.ImRead(At("out/overlays/turned.png"), ImreadModes.Unchanged);
            Assert.Equal(size, overlay.Size());
        }
    }

    [Fact]
    public async Task Results_that_cannot_be_written_are_told_with_the_reason()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "no /dev/full here");
        await ShellAsync("mkdir in; for i in $(seq 5); do cp \"$SMALL\" in/$i.jpg; done");

        foreach (var format in (string[])["jsonl", "csv", "table"])
        {
            var full = await ClientProcess.RunAsync($"\"$CLIENT\" analyze in --format {format} > /dev/full", _folder, _server.Address);
            Assert.Equal(20, full.ExitCode);
            Assert.Contains("error: standard output cannot be written: No space left on device", full.Error.Split('\n'));
        }

        // Nobody can be told, and the exit code says it.
        Assert.Equal(0, (await ClientProcess.RunAsync("\"$CLIENT\" analyze in --format jsonl 2> /dev/full", _folder, _server.Address)).ExitCode);
        Assert.Equal(2, (await ClientProcess.RunAsync("\"$CLIENT\" analyze 2> /dev/full", _folder, _server.Address)).ExitCode);
        foreach (var command in (string[])["--help", "info"])
        {
            var full = await ClientProcess.RunAsync($"\"$CLIENT\" {command} > /dev/full", _folder, _server.Address);
            Assert.Equal((20, "error: standard output cannot be written: No space left on device\n"), (full.ExitCode, full.Error));
        }
    }

    [Fact]
    public async Task Rows_and_progress_share_a_terminal()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "needs script, of Debian's bsdutils");
        await ShellAsync("mkdir in; for i in $(seq 30); do cp \"$SMALL\" in/a-name-that-is-longer-than-the-terminal-is-wide-so-that-it-has-to-be-wrapped-somewhere-$i.jpg; done; echo > in/missing");
        const string terminal = "export TERM=xterm-256color; script -qec \"stty cols 80 rows 20; {0}\" typescript > /dev/null";

        await ClientProcess.RunAsync(string.Format(null, terminal, "$CLIENT analyze in gone.jpg"), _folder, _server.Address);
        var table = await ScreenAsync();
        await ClientProcess.RunAsync(string.Format(null, terminal, "$CLIENT analyze in gone.jpg --format jsonl | cat"), _folder, _server.Address);
        var piped = await ScreenAsync();

        var rows = table.SkipWhile(line => !line.StartsWith("VERDICT", StringComparison.Ordinal)).Skip(1).ToList();
        Assert.All(rows.Take(30), row => Assert.Matches(@"^AUTHENTIC +0\.1000 +- +- +[0-9.]+ +[0-9.]+  in/a-name-\S+\.jpg$", row));
        Assert.Matches(@"^FAILED +gone\.jpg: NOT_FOUND, there is nothing at this path$", rows[30]);
        Assert.StartsWith("30 analysed: ", rows[31], StringComparison.Ordinal);
        Assert.Equal(31, piped.Count(line => line.StartsWith("{\"path\":", StringComparison.Ordinal) && line.EndsWith('}')));
        Assert.DoesNotContain(piped, line => line.Contains('━', StringComparison.Ordinal) || line.Contains('%', StringComparison.Ordinal));
    }

    private async Task<IReadOnlyList<string>> ScreenAsync() =>
        TerminalScreen.Show(await File.ReadAllTextAsync(At("typescript"), TestContext.Current.CancellationToken));

    private FrameOutcome Answer(Frame frame, ulong sequence)
    {
        Interlocked.Increment(ref _answered);
        var data = frame.Encoded.Data;
        if (!data.Span.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]))
        {
            return FakeAnalysisService.Failure(frame, sequence, FailureCode.Invalid, "not a picture");
        }

        var isForged = data.Length == Whole.Length;
        var outcome = FakeAnalysisService.Result(
            frame, sequence, isForged ? 0.9f : 0.1f, isForged ? new Mask { Rle = new CocoRle { Size = { 240, 320 }, Counts = "ooZ21" }, Area = 1 } : null);
        (outcome.Result.Width, outcome.Result.Height) = isForged ? (320U, 240U) : (64U, 48U);
        if (data.Span.SequenceEqual(Hole))
        {
            outcome.Result.Notes.Add(new Note { Code = NoteCode.Damaged, Message = "damaged" });
        }

        outcome.Result.Sha256 = Google.Protobuf.ByteString.CopyFrom(System.Security.Cryptography.SHA256.HashData(data.Span));
        return outcome;
    }

    /// <summary>Whether a worker of a .NET process is inside the kernel to open a pipe or to read from one. Where the kernel does not say: whether it takes signals.</summary>
    private static bool WaitsForPipe(int process)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{process}/task").Any(static thread =>
            {
                var place = File.ReadAllText(Path.Combine(thread, "wchan"));
                return File.ReadAllText(Path.Combine(thread, "comm")).Trim() switch
                {
                    ".NET TP Worker" => place.Contains("pipe_read", StringComparison.Ordinal) || place.Contains("wait_for_partner", StringComparison.Ordinal),
                    // It reads from a pipe as long as it lives.
                    ".NET SigHandler" => place == "0",
                    _ => false,
                };
            });
        }
        catch (IOException)
        {
            // A thread that has just ended.
            return false;
        }
    }

    private static void AssertWhole(string file)
    {
        using var picture = Cv2.ImRead(file, ImreadModes.Unchanged);
        Assert.False(picture.Empty(), $"{file} is no whole picture");
        var end = File.ReadAllBytes(file)[^12..];
        Assert.Equal("IEND"u8.ToArray(), end[4..8]);
    }

    private static List<JsonNode> Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];

    private static IEnumerable<string> Verdicts(string output) =>
        Lines(output).Select(line => $"{line["path"]} {line["verdict"] ?? line["error"]!["code"]}");

    /// <summary>Below a folder, without what is being written.</summary>
    private IEnumerable<string> Files(string folder) => Directory.Exists(At(folder))
        ? Directory.GetFiles(At(folder), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_folder, file))
            .Where(file => folder != "." || !file.StartsWith("1/", StringComparison.Ordinal) && !file.StartsWith("2/", StringComparison.Ordinal) && !file.StartsWith("3/", StringComparison.Ordinal))
            .Where(file => !Path.GetFileName(file).StartsWith('.'))
            .Order(StringComparer.Ordinal)
        : [];

    private Task<CliRun> RunAsync(params string[] args) => CliRun.OfAsync([.. args, "--server", _server.Address.ToString()]);

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, byte[] data)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), data);
    }

    private async Task ShellAsync(string script)
    {
        var start = new ProcessStartInfo("bash", ["-ec", script]) { WorkingDirectory = _folder };
        start.Environment["WHOLE"] = TestData.Golden("faults", "jpeg-whole.jpg");
        start.Environment["SMALL"] = TestData.Golden("faults", "mpo-two-pictures.jpg");
        using var shell = Process.Start(start)!;
        await shell.WaitForExitAsync(Patience.Token());
        Assert.Equal(0, shell.ExitCode);
    }
}
