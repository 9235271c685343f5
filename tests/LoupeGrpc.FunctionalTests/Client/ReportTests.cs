using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`--report` of runs that end in every way, against a server that answers what a test tells it.</summary>
public sealed class ReportTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private FakeAnalysisServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Answer = Answer });
        Directory.CreateDirectory(_folder["in"]);
        for (var number = 1; number <= 4; number++)
        {
            File.Copy(TestData.Golden("faults", "jpeg-whole.jpg"), _folder[$"in/{number}.jpg"]);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        // .NET cannot remove names that are not UTF-8.
        await ShellAsync("rm -rf odd");
        _folder.Dispose();
    }

    [Fact]
    public async Task An_interrupted_run_has_a_report_of_what_was_done()
    {
        await using var gated = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Answer = Answer, IsGated = true });
        await using var client = ClientProcess.Start("exec env --default-signal=INT \"$CLIENT\" analyze in --report r.html --format jsonl > rows", _folder.FullName, gated.Address);
        await client.WaitForAsync(gated.Service.ReceivedAsync(4));
        gated.Service.LetThrough(2);
        await Patience.UntilAsync(() => File.Exists(_folder["rows"]) && File.ReadLines(_folder["rows"]).Count() == 2);

        await client.SignalAsync("INT");
        var run = await client.EndAsync();

        Assert.Equal(130, run.ExitCode);
        Assert.Contains("report written to r.html", run.Error.Split('\n'));
        var page = await ReadAsync();
        Assert.Contains("The run was interrupted:", page, StringComparison.Ordinal);
        Assert.Equal(["manipulated", "manipulated", "failed", "failed"], Entries(page));
        Assert.Contains("CANCELED: interrupted before its result came", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_whose_output_has_no_room_has_a_report_that_says_so()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "no /dev/full here");

        var run = await RunAsync("analyze in --report r.html --format jsonl > /dev/full");

        Assert.Equal(20, run.ExitCode);
        Assert.Contains("The run ended early:</strong> standard output cannot be written: No space left on device.", await ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inputs_of_an_earlier_run_are_listed_as_such()
    {
        await RunAsync("analyze in/1.jpg in/2.jpg --skip-done --output out");

        var run = await RunAsync("analyze in --skip-done --output out --report r.html --format jsonl");

        Assert.Equal((10, 2), (run.ExitCode, run.Lines.Count));
        var page = await ReadAsync();
        Assert.Equal(["manipulated earlier", "manipulated earlier", "manipulated", "manipulated"], Entries(page));
        Assert.Contains("<label for=\"show-earlier\">Earlier results <small>2</small></label>", page, StringComparison.Ordinal);
        Assert.Equal(4, Regex.Count(page, Sha256("in/1.jpg")));
    }

    [Fact]
    public async Task The_same_rows_come_out_whether_there_is_a_report_or_not()
    {
        foreach (var format in (string[])["table", "csv", "jsonl --explain off"])
        {
            var without = await RunAsync($"analyze in --format {format}");
            var with = await RunAsync($"analyze in --format {format} --report r.html");

            Assert.Equal(without.Output, with.Output);
            Assert.Equal(format.EndsWith("off", StringComparison.Ordinal) ? "" : "en", _server.Service.Opened.Explain);
        }
    }

    [Fact]
    public async Task The_page_shows_the_sentences_that_were_asked_for_and_the_rows_do_not()
    {
        var run = await RunAsync("stream in --report r.html --format jsonl");

        Assert.All(run.Lines, static line => Assert.Null(line["explanation"]));
        Assert.Contains("<ul class=\"sentences\" lang=\"en\"><li>Said in en.</li></ul>", await ReadAsync(), StringComparison.Ordinal);

        await RunAsync("analyze in --report r.html --explain zh --format csv");
        Assert.Contains("<ul class=\"sentences\" lang=\"zh\"><li>Said in zh.</li></ul>", await ReadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no/such/folder/r.html", "cannot be written: there is no such folder")]
    [InlineData("in", "its name must end in .html")]
    [InlineData("in/1.jpg", "its name must end in .html")]
    public async Task Where_it_cannot_be_written_nothing_is_analysed(string path, string reason)
    {
        var run = await RunAsync($"analyze in --report {path}");

        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_text_whatever_they_hold()
    {
        await ShellAsync("""mkdir odd; cp in/1.jpg 'odd/<script>alert(1)<_script>.jpg'; cp in/1.jpg $'odd/"quoted" onerror=\'x\'.jpg'; cp in/1.jpg $'odd/\xe9\x1b[31m.jpg'""");

        var run = await RunAsync("analyze odd --report r.html --format jsonl");

        Assert.Equal((10, 3), (run.ExitCode, run.Lines.Count));
        var page = await ReadAsync();
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("<bdi>odd/&lt;script&gt;alert(1)&lt;_script&gt;.jpg</bdi>", page, StringComparison.Ordinal);
        Assert.Contains("<bdi>odd/&quot;quoted&quot; onerror=&#39;x&#39;.jpg</bdi>", page, StringComparison.Ordinal);
        Assert.Contains(@"<bdi>odd/\xe9�[31m.jpg</bdi>", page, StringComparison.Ordinal);
    }

    private FrameOutcome Answer(Frame frame, ulong sequence)
    {
        var outcome = FakeAnalysisService.Result(frame, sequence, 0.9f);
        (outcome.Result.Width, outcome.Result.Height) = (320, 240);
        outcome.Result.Sha256 = Google.Protobuf.ByteString.CopyFrom(SHA256.HashData(frame.Encoded.Data.Span));
        if (_server?.Service.Opened.Explain is { Length: > 0 } language)
        {
            outcome.Result.Explanation.Add(new Explanation { Code = ExplanationCode.ScoreManipulated, Text = $"Said in {language}." });
        }

        return outcome;
    }

    private static IEnumerable<string> Entries(string page) => Regex.Matches(page, "<article class=\"entry ([^\"]*)\"").Select(static match => match.Groups[1].Value);

    private string Sha256(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_folder[file])));

    private Task<string> ReadAsync() => File.ReadAllTextAsync(_folder["r.html"], TestContext.Current.CancellationToken);

    private Task<CliRun> RunAsync(string arguments) => ClientProcess.RunAsync($"\"$CLIENT\" {arguments}", _folder.FullName, _server.Address);

    private async Task ShellAsync(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-ec", script]) { WorkingDirectory = _folder.FullName })!;
        await shell.WaitForExitAsync(Patience.Token());
        Assert.Equal(0, shell.ExitCode);
    }
}
