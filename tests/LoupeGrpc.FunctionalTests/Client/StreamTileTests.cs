using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>`stream --tiles`, against the real engine.</summary>
public sealed class StreamTileTests(NanoEngine nano)
{
    [Fact]
    public async Task Each_frame_shows_some_tiles_and_its_line_names_those_that_count()
    {
        using var folder = new TemporaryDirectory();
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        Directory.CreateDirectory(folder["frames"]);
        for (int frame = 0; frame < 4; frame++)
        {
            File.Copy(TestData.Golden("tiles", "strip-900x112.png"), folder["frames", $"{frame}.png"]);
        }

        var run = await ClientProcess.RunAsync(
            "\"$CLIENT\" stream frames --tiles auto --tiles-per-frame 4 --mask always --format jsonl --report page.html", folder.FullName, server.Server.Grpc);

        Assert.True(run.ExitCode == 10, run.Error);
        var windows = run.Lines.Select(static line => JsonNode.Parse(line.ToJsonString())!["tiles"]!).ToList();
        Assert.Equal(["3 of 6", "6 of 6", "6 of 6", "6 of 6"], windows.Select(static tiles => $"{tiles["analysed"]} of {tiles["of"]}"));
        Assert.Equal(
            ["1 2 3 3", "2 2 3 6", "2 2 3 6", "2 2 3 6"],
            windows.Select(static tiles => $"{tiles["window"]!["frames"]} {tiles["window"]!["size"]} {tiles["window"]!["fresh"]} {tiles["window"]!["masked"]}"));
        var page = await File.ReadAllTextAsync(folder["page.html"], TestContext.Current.CancellationToken);
        Assert.Contains("AUTO, at most 256, 4 of each frame", page, StringComparison.Ordinal);
        Assert.Contains("6 of 6 analysed, of the last 2 frames (3 of this one; the mask is of 6)", page, StringComparison.Ordinal);
        Assert.Contains("as the last 2 frames showed them", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--tiles native --adapt", "--tiles is not for sessions that adapt")]
    [InlineData("--tiles-per-frame 3", "--tiles-per-frame needs --tiles auto or --tiles native")]
    [InlineData("--tile-window 3", "--tile-window needs --tiles auto or --tiles native")]
    [InlineData("--tiles native --tiles-per-frame 0", "--tiles-per-frame is 0")]
    public async Task What_makes_no_sense_is_refused_before_a_server_is_asked(string options, string expected)
    {
        using var folder = new TemporaryDirectory();

        var run = await ClientProcess.RunAsync($"\"$CLIENT\" stream . {options}", folder.FullName, new Uri("http://127.0.0.1:9"));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }
}
