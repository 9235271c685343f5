using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`evaluate` as a program, on a server with the embedded model.</summary>
public sealed class EvaluateTests(NanoEngine nano) : IAsyncLifetime
{
    private static readonly string Samples = Path.Combine(TestData.RepositoryRoot, "samples");

    private readonly TemporaryDirectory _folder = new();
    private ServerProcess _server = null!;
    private Uri _address = null!;

    public async ValueTask InitializeAsync()
    {
        _server = ServerProcess.Serve(nano);
        _address = await _server.ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A server's answers and the same ones from a file come to the same figures.</summary>
    [Fact]
    public async Task Figures_of_a_server_are_those_of_what_it_answered()
    {
        var asked = await RunAsync($"evaluate --list '{Samples}/truth.csv' --by kind --json --bootstrap 50 --report report.html");
        var analysed = await ClientProcess.RunAsync($"\"$CLIENT\" analyze '{Samples}' --format jsonl --mask always > lines.jsonl", _folder.FullName, _address);
        var read = await RunAsync($"evaluate --list '{Samples}/truth.csv' --predictions lines.jsonl --json --bootstrap 50");

        Assert.Equal((0, string.Empty), (asked.Code, asked.Figures is null ? asked.Error : string.Empty));
        Assert.Equal(10, analysed.ExitCode);
        Assert.Equal(0, read.Code);
        Assert.Equal(12, (int?)asked.Figures!["n"]);
        Assert.InRange((double)asked.Figures["auc"]!, 0.6, 1);
        foreach (var figure in (string[])["n", "forged", "auc", "f1", "iou", "overall", "ece", "threshold"])
        {
            Assert.Equal((double)asked.Figures[figure]!, (double)read.Figures![figure]!, 5e-4);
        }

        Assert.NotEmpty(asked.Figures["groups"]!.AsObject());
        var page = await File.ReadAllTextAsync(_folder["report.html"], TestContext.Current.CancellationToken);
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);

        // The same sentences, but that predictions have no thresholds that are served.
        string[] Codes(JsonNode figures) => [.. figures["explanation"]!.AsArray().Select(static sentence => (string)sentence!["code"]!)];
        Assert.Contains("SERVED_THRESHOLD", Codes(asked.Figures));
        Assert.Contains("TOO_FEW_FOR_CALIBRATION", Codes(asked.Figures));
        Assert.DoesNotContain("SERVED_THRESHOLD", Codes(read.Figures!));
        Assert.Contains("AUC_UNCERTAIN", Codes(read.Figures!));
        Assert.All(asked.Figures["explanation"]!.AsArray(), sentence => Assert.Contains($"<li>{System.Net.WebUtility.HtmlEncode((string)sentence!["text"]!)}</li>", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Figures_are_put_into_words_in_the_language_that_is_wanted_or_in_none()
    {
        await File.WriteAllTextAsync(_folder["truth.csv"], "path,label\na.jpg,0\nb.jpg,1\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder["scores.csv"], "path,score\na.jpg,0.1\nb.jpg,0.9\n", TestContext.Current.CancellationToken);
        const string Command = "\"$CLIENT\" evaluate --list truth.csv --predictions scores.csv";

        var english = await ClientProcess.RunAsync($"{Command} --report report.html", _folder.FullName, _address);
        var chinese = await ClientProcess.RunAsync($"{Command} --explain zh --report report.html", _folder.FullName, _address);
        var none = await ClientProcess.RunAsync($"{Command} --explain off --json", _folder.FullName, _address);

        Assert.Equal((0, 0, 0), (english.ExitCode, chinese.ExitCode, none.ExitCode));
        Assert.Contains("What this says\n  Of a forged and an authentic picture the forged one has the higher score in 100% of all pairs", english.Output, StringComparison.Ordinal);
        Assert.Contains("这些数字说明什么\n  任取一张伪造图片和一张真实图片", chinese.Output, StringComparison.Ordinal);
        Assert.Contains("<section lang=\"zh\"><h2>这些数字说明什么</h2>", await File.ReadAllTextAsync(_folder["report.html"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.DoesNotContain("explanation", none.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_judged_is_named_and_has_no_part_in_the_figures()
    {
        await File.WriteAllTextAsync(_folder["truth.csv"], "path,label\nnot-there.png,1\nbroken.jpg,0\na.jpg,0\nb.jpg,1\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder["broken.jpg"], "no picture", TestContext.Current.CancellationToken);
        File.Copy(Path.Combine(Samples, "authentic-coffee.jpg"), _folder["a.jpg"]);
        File.Copy(Path.Combine(Samples, "authentic-coffee.jpg"), _folder["b.jpg"]);

        var (code, figures, error) = await RunAsync("evaluate --list truth.csv --json --bootstrap 0");

        Assert.Equal(20, code);
        Assert.Contains("not-there.png", error, StringComparison.Ordinal);
        Assert.Contains("broken.jpg", error, StringComparison.Ordinal);
        Assert.Equal((2, 2), ((int?)figures!["n"], (int?)figures["failed"]));
        // One picture, once as forged and once as authentic: a tie.
        Assert.Equal(0.5, (double)figures["auc"]!);
    }

    private async Task<(int Code, JsonNode? Figures, string Error)> RunAsync(string arguments)
    {
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" {arguments}", _folder.FullName, _address);
        return (run.ExitCode, run.Output.StartsWith('{') ? JsonNode.Parse(run.Output) : null, run.Error);
    }
}
