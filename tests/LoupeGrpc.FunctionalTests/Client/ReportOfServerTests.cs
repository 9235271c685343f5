using System.Security.Cryptography;
using System.Text.RegularExpressions;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`--report` as a program, on a server with the embedded model.</summary>
public sealed class ReportOfServerTests(NanoEngine nano) : IAsyncLifetime
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

    [Fact]
    public async Task Pictures_forged_authentic_and_broken_are_in_it_with_what_was_found()
    {
        await File.WriteAllTextAsync(_folder["broken.jpg"], "no picture", TestContext.Current.CancellationToken);
        var forged = Path.Combine(Samples, "forged-cat-in-coffee.jpg");

        var run = await ClientProcess.RunAsync($"\"$CLIENT\" analyze '{forged}' '{Samples}/authentic-chelsea.png' broken.jpg gone.png --report r.html --format jsonl", _folder.FullName, _address);

        Assert.Equal(20, run.ExitCode);
        var page = await File.ReadAllTextAsync(_folder["r.html"], TestContext.Current.CancellationToken);
        Assert.Equal(["manipulated", "authentic", "failed", "failed"], Entries(page));
        Assert.Contains("Exit code 20: 2 of 4 pictures could not be analysed", page, StringComparison.Ordinal);
        // What the forged one is, and what was marked in it; nothing is in the other.
        Assert.Equal(3, Regex.Count(page, "<img "));
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(forged, TestContext.Current.CancellationToken))), page, StringComparison.Ordinal);
        // Of the broken one too, which the server never hashed.
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData("no picture"u8)), page, StringComparison.Ordinal);
        Assert.Contains($"score <b>{(double)run.Lines[0]["score"]!:0.0000}</b>; AUTHENTIC below 0.4, MANIPULATED from 0.6 on", page, StringComparison.Ordinal);
        foreach (var sentence in run.Lines[0]["explanation"]!.AsArray())
        {
            Assert.Contains($"<li>{System.Net.WebUtility.HtmlEncode((string)sentence!["text"]!)}</li>", page, StringComparison.Ordinal);
        }

        Assert.Contains("A demonstration model answered", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clip_has_its_timeline_and_its_manipulated_stretch()
    {
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" stream '{Samples}/clip.avi' --adapt --report r.html --format jsonl", _folder.FullName, _address);

        Assert.Equal(10, run.ExitCode);
        var page = await File.ReadAllTextAsync(_folder["r.html"], TestContext.Current.CancellationToken);
        Assert.Equal(run.Lines.Count, Entries(page).Count());
        var stretch = Regex.Match(run.Error, "(?m)^manipulated from .*$").Value;
        Assert.NotEmpty(stretch);
        Assert.Contains($"<li>{stretch}</li>", page, StringComparison.Ordinal);
        Assert.Contains("<rect class=\"segment\"", page, StringComparison.Ordinal);
        foreach (var chart in (string[])["Score", "Marked area (% of the picture)", "Drift of the adaptation"])
        {
            Assert.Contains($"aria-label=\"{chart}\"", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_clip_that_is_judged_over_time_has_its_segment_everywhere()
    {
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" stream '{Samples}/clip.avi' --temporal on --report r.html --plot p.svg --format jsonl", _folder.FullName, _address);

        Assert.Equal(10, run.ExitCode);
        Assert.Contains("over time: 1 manipulated segment, 1 scene", run.Error, StringComparison.Ordinal);
        var segment = Regex.Match(run.Error, "(?m)^manipulated over time from 2.00 s to 3.92 s: 24 of 24 frames, highest score 0.998 at .*; look at .*$").Value;
        Assert.NotEmpty(segment);
        var judged = run.Lines.Select(static line => line["temporal"]!).ToList();
        Assert.Equal(72, judged.Count);
        Assert.All(judged, static temporal => Assert.Equal((string?)temporal["verdict"] == "MANIPULATED", (ulong?)temporal["since"] == 24));
        Assert.InRange(judged.FindIndex(static temporal => (string?)temporal["verdict"] == "MANIPULATED"), 24, 30);

        var page = await File.ReadAllTextAsync(_folder["r.html"], TestContext.Current.CancellationToken);
        Assert.Contains($"<li>{segment}</li>", page, StringComparison.Ordinal);
        Assert.Contains("aria-label=\"Score, and score over time (thin line)\"", page, StringComparison.Ordinal);
        Assert.Single(Regex.Matches(page, "<rect class=\"segment\""));
        Assert.Contains("<polyline class=\"overtime\"", page, StringComparison.Ordinal);
        Assert.Contains("manipulated over time", await File.ReadAllTextAsync(_folder["p.svg"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Entries(string page) => Regex.Matches(page, "<article class=\"entry ([^\"]*)\"").Select(static match => match.Groups[1].Value);
}
