using System.Text.Json;
using LoupeGrpc.FunctionalTests.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary><c>loupe-grpc-server analyze IN OUT</c>, as a program: it becomes the client, which starts a server for itself.</summary>
public sealed class AnalyzeCommandTests(NanoEngine nano) : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_folder_of_pictures_becomes_a_folder_of_findings()
    {
        var pictures = Directory.CreateDirectory(_temporary["pictures"]).FullName;
        File.Copy(TestData.Sample("forged-cat-in-coffee.jpg"), Path.Combine(pictures, "cat.jpg"));
        File.Copy(TestData.Sample("authentic-chelsea.png"), Path.Combine(pictures, "-chelsea.png"));

        var run = await RunAsync($"analyze pictures findings --explain zh --Loupe:Model:CacheDirectory='{nano.CacheDirectory}'");

        Assert.Equal((10, string.Empty), (run.ExitCode, run.ExitCode == 10 ? string.Empty : run.Error));
        var rows = (await File.ReadAllLinesAsync(_temporary["findings/results.jsonl"], TestContext.Current.CancellationToken)).Select(static line => JsonDocument.Parse(line).RootElement);
        Assert.Equal(["-chelsea.png", "cat.jpg"], rows.Select(static row => Path.GetFileName(row.GetProperty("path").GetString())!));
        Assert.True(File.Exists(_temporary["findings/overlays/cat.png"]));
        Assert.True(File.Exists(_temporary["findings/masks/cat.png"]));
        Assert.Contains("cat.jpg", await File.ReadAllTextAsync(_temporary["findings/report.html"], TestContext.Current.CancellationToken), StringComparison.Ordinal);

        // Again: there is nothing left to do.
        await RunAsync($"analyze pictures findings --explain zh --Loupe:Model:CacheDirectory='{nano.CacheDirectory}'");
        Assert.Equal(2, (await File.ReadAllLinesAsync(_temporary["findings/results.jsonl"], TestContext.Current.CancellationToken)).Length);
    }

    [Theory]
    [InlineData("analyze in out --frobnicate", 2, "--frobnicate")]
    [InlineData("analyze in", 2, "OUT")]
    [InlineData("analyze in out --Loupe:Model:Path=/nowhere", 69, "/nowhere is not a model package")]
    [InlineData("analyze nowhere out", 20, "nowhere")]
    public async Task What_is_wrong_is_said_as_the_client_says_it(string arguments, int code, string reason)
    {
        var pictures = Directory.CreateDirectory(_temporary["in"]).FullName;
        File.Copy(TestData.Sample("forged-cat-in-coffee.jpg"), Path.Combine(pictures, "cat.jpg"));

        var run = await RunAsync(arguments);

        Assert.Contains(reason, run.Error + run.Output, StringComparison.Ordinal);
        Assert.Equal(code, run.ExitCode);
    }

    private Task<CliRun> RunAsync(string arguments) => ClientProcess.RunAsync(
        $"export PATH=\"$(dirname \"$CLIENT\")\":'{Path.GetDirectoryName(ServerProcess.Program)}':\"$PATH\" Loupe__Model__CacheDirectory='{nano.CacheDirectory}'; '{ServerProcess.Program}' {arguments}", _temporary.FullName);
}
