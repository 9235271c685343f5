using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary>SIGHUP to the program, whose settings stand in a file of the operator's own.</summary>
public sealed class SettingsReloadTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    private string Settings => _files["settings.json"];

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task What_can_change_does_and_what_cannot_is_named()
    {
        await WriteAsync("""{"Loupe":{"Thresholds":{"Low":0.2,"High":0.8}}}""");
        await using var process = Start();
        using var channel = GrpcChannel.ForAddress((await process.ReadLineAsync())!.Split(' ')[1]);
        Assert.Equal((0.2f, 0.8f), await ThresholdsAsync(channel));

        await WriteAsync(
            """{"Loupe":{"Thresholds":{"Low":0.3,"High":0.8},"Quotas":{"StrangerSessions":1},"Limits":{"Credits":7}},"Logging":{"LogLevel":{"LoupeGrpc.Server":"Error"}}}""");
        await process.SignalAsync("HUP");
        await process.WaitForErrorAsync("in force from the next start only: Loupe:Limits:Credits.");

        Assert.Contains(
            "Changed and in force: Loupe:Quotas:StrangerSessions, Loupe:Thresholds:Low, Logging:LogLevel:LoupeGrpc.Server.", process.Error, StringComparison.Ordinal);
        Assert.Equal((0.3f, 0.8f), await ThresholdsAsync(channel));
        using var first = await OpenAsync(channel);
        Assert.Equal(0.3f, first.Grant.Thresholds.Low, 1e-6);
        using var second = new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: TestContext.Current.CancellationToken));
        await second.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        Assert.Contains("Loupe:Quotas:StrangerSessions", (await second.FailureAsync()).Failure.Status.Detail, StringComparison.Ordinal);
        // What was information is not logged any more.
        Assert.DoesNotContain("opened, EveryFrame", process.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"Loupe":{"Thresholds":{"Low":0.9""")]
    [InlineData("""{"Loupe":{"Thresholds":{"Low":0.9,"High":0.1}}}""")]
    [InlineData("""{"Loupe":{"Nope":1}}""")]
    public async Task What_is_broken_changes_nothing(string broken)
    {
        await WriteAsync("""{"Loupe":{"Thresholds":{"Low":0.2,"High":0.8}},"Logging":{"LogLevel":{"Default":"Information"}}}""");
        await using var process = Start();
        using var channel = GrpcChannel.ForAddress((await process.ReadLineAsync())!.Split(' ')[1]);
        await WriteAsync(broken);
        await process.SignalAsync("HUP");

        await process.WaitForErrorAsync("those from before still hold");
        Assert.Equal((0.2f, 0.8f), await ThresholdsAsync(channel));
        using var session = await OpenAsync(channel);
        await process.WaitForErrorAsync("opened, EveryFrame");
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_an_error_at_the_start()
    {
        var (code, _, error) = await ServerProcess.RunAsync(["serve"], ("LOUPE_SETTINGS", Settings));

        Assert.Equal((2, $"error: {Settings}, which LOUPE_SETTINGS names, is not there."), (code, error.Trim()));
    }

    private static async Task<(float Low, float High)> ThresholdsAsync(GrpcChannel channel)
    {
        var thresholds = (await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token())).DefaultThresholds;
        return (thresholds.Low, thresholds.High);
    }

    private static Task<RawSession> OpenAsync(GrpcChannel channel) =>
        RunningServer.OpenAsync(new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: TestContext.Current.CancellationToken)));

    private ServerProcess Start() => ServerProcess.Start(["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"], ("LOUPE_SETTINGS", Settings));

    private Task WriteAsync(string text) => File.WriteAllTextAsync(Settings, text, Patience.Token());
}
