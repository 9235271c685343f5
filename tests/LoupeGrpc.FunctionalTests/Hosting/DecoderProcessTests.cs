using System.Globalization;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>The processes that decode pictures, seen from outside the server that starts them.</summary>
public partial class DecoderProcessTests(NanoEngine nano)
{
    [Fact]
    public async Task A_decoder_ends_with_its_server_however_that_ends()
    {
        await using var server = Serve();
        using var channel = await ConnectAsync(server);
        await AnalyzeAsync(channel, TestData.Golden("faults", "jpeg-whole.jpg"));
        int decoder = Assert.Single(ChildrenOf(server.Id));

        await server.SignalAsync("KILL");

        await Patience.UntilAsync(() => !IsRunning(decoder));
    }

    [Fact]
    public async Task A_decoder_that_is_killed_takes_nothing_along_but_its_picture()
    {
        await using var server = Serve();
        using var channel = await ConnectAsync(server);
        await AnalyzeAsync(channel, TestData.Golden("faults", "jpeg-whole.jpg"));
        int decoder = Assert.Single(ChildrenOf(server.Id));
        using (var process = System.Diagnostics.Process.GetProcessById(decoder))
        {
            process.Kill();
        }

        await Patience.UntilAsync(() => !IsRunning(decoder));
        await AnalyzeAsync(channel, TestData.Golden("faults", "jpeg-whole.jpg"));
        Assert.NotEqual(decoder, Assert.Single(ChildrenOf(server.Id)));
    }

    [Theory]
    [InlineData("process")]
    [InlineData("none")]
    public async Task What_decoders_say_does_not_reach_standard_error(string isolation)
    {
        await using var server = Serve($"--Loupe:Imaging:Isolation={isolation}");
        using var channel = await ConnectAsync(server);
        foreach (string file in new[] { "jpeg-cut-with-eoi.jpg", "jpeg-hole-1k.jpg", "jpeg-progressive-30pct-with-eoi.jpg" })
        {
            var result = await AnalyzeAsync(channel, TestData.Golden("faults", file));
            Assert.Contains(result.Notes, static note => note.Code == NoteCode.Damaged);
        }

        Assert.Equal(isolation == "process" ? 1 : 0, ChildrenOf(server.Id).Count);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.DoesNotContain("JPEG", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_becomes_of_damaged_pictures_is_a_setting()
    {
        await using var server = Serve("--Loupe:Imaging:Damaged=refuse");
        using var channel = await ConnectAsync(server);

        var failure = await Assert.ThrowsAsync<RpcException>(() => AnalyzeAsync(channel, TestData.Golden("faults", "jpeg-hole-1k.jpg")));

        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
        Assert.Contains("Loupe:Imaging:Damaged", failure.Status.Detail, StringComparison.Ordinal);
    }

    private ServerProcess Serve(params string[] settings) => ServerProcess.Start(
    [
        "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", $"--Loupe:Model:CacheDirectory={nano.CacheDirectory}",
        "--Loupe:Execution:Providers=CPU", "--Loupe:Engine:DecodeWorkers=1", .. settings,
    ]);

    private static async Task<GrpcChannel> ConnectAsync(ServerProcess server)
    {
        var ready = Ready().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        return GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
    }

    private static async Task<FrameResult> AnalyzeAsync(GrpcChannel channel, string file)
    {
        var picture = new EncodedImage { Data = ByteString.CopyFrom(await File.ReadAllBytesAsync(file, Patience.Token())) };
        return (await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel)
            .AnalyzeImageAsync(new AnalyzeImageRequest { Encoded = picture }, cancellationToken: Patience.Token())).Result;
    }

    private static List<int> ChildrenOf(int process)
    {
        List<int> children = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            // Whatever it does: it may not be asleep yet when its answer is here already. A zombie is none.
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id)
                && StatOf(id)?.Split(' ', 5) is [_, "(loupe_decoder)", not "Z", var parent, _] && parent == $"{process}")
            {
                children.Add(id);
            }
        }

        return children;
    }

    /// <summary>Until its last thread has gone: only then are its sockets closed.</summary>
    private static bool IsRunning(int process) => StatOf(process) is { } stat
        && (!stat.Contains(") Z ", StringComparison.Ordinal) || (Directory.Exists($"/proc/{process}/task") && Directory.GetDirectories($"/proc/{process}/task").Length > 1));

    private static string? StatOf(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat");
        }
        catch (IOException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"^ready (?<grpc>http://127\.0\.0\.1:\d+) ")]
    private static partial Regex Ready();
}
