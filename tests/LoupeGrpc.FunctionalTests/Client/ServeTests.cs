using System.Diagnostics;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary><c>--serve</c>: a run with a server of its own, as programs.</summary>
public sealed class ServeTests(NanoEngine nano) : IDisposable
{
    private static readonly string Picture = TestData.Sample("forged-cat-in-coffee.jpg");

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_run_brings_its_server_and_takes_it_along()
    {
        var run = await ClientProcess.RunAsync($"{Environment()} \"$CLIENT\" analyze '{Picture}' --serve --format jsonl", _temporary.FullName);

        Assert.Equal(10, run.ExitCode);
        Assert.Contains("\"verdict\":\"MANIPULATED\"", run.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
        Assert.Empty(Servers());
    }

    [Fact]
    public async Task A_server_that_does_not_start_says_why()
    {
        var run = await ClientProcess.RunAsync($"Loupe__Model__Path=/nowhere {Environment()} \"$CLIENT\" analyze '{Picture}' --serve", _temporary.FullName);

        Assert.Equal(69, run.ExitCode);
        Assert.Contains("loupe-grpc-server did not start: /nowhere is not a model package", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.FullName));
    }

    [Fact]
    public async Task A_server_that_is_slow_to_end_is_not_killed()
    {
        const string Slow = """
            #!/bin/sh
            trap 'sleep 1; : > ended; exit 0' TERM
            echo "ready nowhere"
            while :; do sleep 0.1; done
            """;
        await File.WriteAllTextAsync(_temporary["loupe-grpc-server"], Slow, TestContext.Current.CancellationToken);

        var run = await ClientProcess.RunAsync($"chmod +x loupe-grpc-server; PATH=\"$PWD:$PATH\" \"$CLIENT\" analyze '{Picture}' --serve", _temporary.FullName);

        Assert.Equal(69, run.ExitCode);
        Assert.True(File.Exists(_temporary["ended"]), run.Error);
    }

    [Theory]
    [InlineData("--server http://127.0.0.1:1", "--serve starts a server, --server names one that runs")]
    [InlineData("", "--serve finds no loupe-grpc-server")]
    public async Task What_makes_no_sense_is_wrong_usage(string arguments, string expected)
    {
        var run = await ClientProcess.RunAsync($"PATH=/usr/bin:/bin \"$CLIENT\" analyze '{Picture}' --serve {arguments}", _temporary.FullName);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_is_killed_leaves_no_server()
    {
        await using var killed = ClientProcess.Start(
            $"mkfifo silent; exec 3<> silent; export {Environment()}; exec \"$CLIENT\" stream - --raw bgr24:64x64@25 --serve < silent", _temporary.FullName);
        await Patience.UntilAsync(() => Servers().Count == 1);
        await killed.SignalAsync("KILL");

        await Patience.UntilAsync(() => Servers().Count == 0);
    }

    /// <summary>The server of these tests, and its temporary folder, in which nothing of others lies.</summary>
    private string Environment() => $"PATH='{Path.GetDirectoryName(ServerProcess.Program)}':\"$PATH\" TMPDIR='{_temporary.FullName}' Loupe__Model__CacheDirectory='{nano.CacheDirectory}'";

    /// <summary>Those that listen in that folder.</summary>
    private List<int> Servers()
    {
        List<int> found = [];
        foreach (var process in Process.GetProcessesByName(Path.GetFileName(ServerProcess.Program)))
        {
            using (process)
            {
                try
                {
                    if (File.ReadAllText($"/proc/{process.Id}/cmdline").Contains($"unix:{_temporary.FullName}/", StringComparison.Ordinal))
                    {
                        found.Add(process.Id);
                    }
                }
                catch (IOException)
                {
                    // It has just ended.
                }
            }
        }

        return found;
    }
}
