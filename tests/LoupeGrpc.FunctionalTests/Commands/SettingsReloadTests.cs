using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
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

    /// <summary>The package in the folder, then the settings, then both wrong: who is served notices nothing but what was asked for.</summary>
    [Fact]
    public async Task Models_change_with_their_folders_and_with_the_settings()
    {
        var (one, two) = (TestPackages.Tiny("tiny-l", PackageLayout.Fp32), TestPackages.Tiny("tiny-s", PackageLayout.Fp32));
        var (first, second) = (_files["first"], _files["second"]);
        Directory.Move(TestPackages.Copy(one), first);
        await WriteAsync("""{"Loupe":{"Model":{"Path":"FIRST"}}}""".Replace("FIRST", first, StringComparison.Ordinal));
        await using var process = Start();
        using var channel = GrpcChannel.ForAddress((await process.ReadLineAsync())!.Split(' ')[1]);
        using var session = await OpenAsync(channel);
        Assert.Equal(one.Hash, session.Grant.Model.Hash);

        Directory.Move(first, _files["left"]);
        Directory.Move(TestPackages.Copy(two), first);
        await process.SignalAsync("HUP");
        await process.WaitForErrorAsync($"The model 'default' is tiny-s@{two.ShortHash} from now on, before it was tiny-l@{one.ShortHash}: sessions on that one, which are 1, end there.");
        Assert.Equal([("default", two.Hash, false), ("default", one.Hash, true)], await ModelsAsync(channel));

        Directory.Move(TestPackages.Copy(one), second);
        await WriteAsync("""{"Loupe":{"Models":{"other":{"Path":"SECOND"}}}}""".Replace("SECOND", second, StringComparison.Ordinal));
        await process.SignalAsync("HUP");
        await process.WaitForErrorAsync($"The model 'default' (tiny-s@{two.ShortHash}) is not in the settings any more");
        Assert.Contains("Changed and in force: Loupe:Model:Path, Loupe:Models:other:Path.", process.Error, StringComparison.Ordinal);
        Assert.Equal([("other", one.Hash, false), ("default", one.Hash, true)], await ModelsAsync(channel));

        await WriteAsync("""{"Loupe":{"Models":{"other":{"Path":"SECOND-not"}}}}""".Replace("SECOND", second, StringComparison.Ordinal));
        await process.SignalAsync("HUP");
        await process.WaitForErrorAsync($"The model 'other' cannot be changed, tiny-l@{one.ShortHash} serves on: {second}-not is not a model package");
        Assert.Equal([("other", one.Hash, false), ("default", one.Hash, true)], await ModelsAsync(channel));
        await session.CompleteAsync();
        Assert.NotNull(Assert.Single(await session.RestAsync()).Summary);
        await process.SignalAsync("TERM");
        Assert.Equal(0, await process.ExitAsync());
    }

    [Theory]
    [InlineData("""{"Loupe":{"Models":{"a b":{"Path":"/tmp"}}}}""", "Loupe:Models:a b has no good name: expected 1 to 64 letters, digits, '-', '_' and '.'.")]
    [InlineData("""{"Loupe":{"Models":{"default":{"Path":"/tmp"}}}}""", "Loupe:Models:default:Path stands in the wrong place: the model 'default' is Loupe:Model:Path.")]
    [InlineData("""{"Loupe":{"Models":{"l14":{}}}}""", "Loupe:Models:l14:Path is empty: expected the folder of a model package.")]
    [InlineData("""{"Loupe":{"Models":{"l14":{"Path":"/tmp","Pth":"/tmp"}}}}""", "Loupe:Models:l14:Pth (settings.json) is not a setting; did you mean Loupe:Models:l14:Path?")]
    [InlineData("""{"Loupe":{"Models":{"l14":{"Path":"/nowhere"}}}}""", "/nowhere is not a model package: there is no such directory.")]
    public async Task Models_that_cannot_be_are_an_error_at_the_start(string text, string error)
    {
        await WriteAsync(text);
        var (code, _, printed) = await ServerProcess.RunAsync(["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"], ("LOUPE_SETTINGS", Settings));

        Assert.Contains($"error: {error}", printed, StringComparison.Ordinal);
        Assert.NotEqual(0, code);
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

    /// <summary>Whoever opens one waits for somebody to write into it.</summary>
    [Fact]
    public async Task Pipes_where_files_were_hold_up_neither_the_next_signal_nor_the_stop()
    {
        var (package, model) = (TestPackages.Tiny("tiny-l", PackageLayout.Fp32), _files["model"]);
        Directory.Move(TestPackages.Copy(package), model);
        var settings = """{"Loupe":{"Model":{"Path":"MODEL"},"Thresholds":{"Low":0.2,"High":0.8}}}""".Replace("MODEL", model, StringComparison.Ordinal);
        await WriteAsync(settings);
        await using var process = Start();
        using var channel = GrpcChannel.ForAddress((await process.ReadLineAsync())!.Split(' ')[1]);

        PipeInstead(Path.Combine(model, PackageLayout.Manifest));
        PipeInstead(Settings);
        await process.SignalAsync("HUP");
        await process.WaitForErrorAsync($"{Settings} cannot be read: it is empty, or a pipe");
        await process.WaitForErrorAsync($"cannot be changed, tiny-l@{package.ShortHash} serves on: {model}: model.json is empty, or not a file");

        File.Delete(Settings);
        await WriteAsync(settings.Replace("0.2", "0.3", StringComparison.Ordinal));
        await process.SignalAsync("HUP");
        await process.WaitForErrorAsync("Changed and in force: Loupe:Thresholds:Low.");
        Assert.Equal((0.3f, 0.8f), await ThresholdsAsync(channel));
        await process.SignalAsync("TERM");
        Assert.Equal(0, await process.ExitAsync());

        static void PipeInstead(string path)
        {
            File.Delete(path);
            SystemTool.Run("mkfifo", path);
        }
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

    private static async Task<IEnumerable<(string Name, string Hash, bool Leaving)>> ModelsAsync(GrpcChannel channel) =>
        (await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token()))
            .Models.Select(static model => (model.Name, model.Model.Hash, model.Leaving));

    private static Task<RawSession> OpenAsync(GrpcChannel channel) =>
        RunningServer.OpenAsync(new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: TestContext.Current.CancellationToken)));

    private ServerProcess Start() => ServerProcess.Start(["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"], ("LOUPE_SETTINGS", Settings));

    private Task WriteAsync(string text) => File.WriteAllTextAsync(Settings, text, Patience.Token());
}
