using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Commands;

public sealed partial class ServeTests : IDisposable
{
    private static readonly string[] FreePorts = ["--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"];

    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("http://127.0.0.1:0", @" operations=\S+ web=http://127\.0\.0\.1:[1-9]\d* model=")]
    [InlineData("off", @" operations=\S+ model=")]
    public async Task The_ready_line_says_where_the_web_is_unless_it_is_off(string web, string line)
    {
        await using var server = Serve([.. FreePorts, "--web", web]);
        Assert.Matches(line, await server.ReadLineAsync() ?? string.Empty);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
    }

    [Theory]
    [InlineData("--listen", "Loupe:Endpoints:Grpc is 'off' (command line): expected http://HOST:PORT, https://HOST:PORT or unix:/PATH.")]
    [InlineData("--web", "Loupe:Endpoints:Web is 'of' (command line): expected http://HOST:PORT, https://HOST:PORT or unix:/PATH or off.")]
    public async Task Only_the_web_can_be_off(string option, string message)
    {
        var (code, output, error) = await RunAsync(["serve", option, option == "--web" ? "of" : "off"]);
        Assert.Equal((2, string.Empty, $"error: {message}"), (code, output, error.TrimEnd()));
    }

    [Fact]
    public async Task It_prints_one_line_when_it_can_serve_and_exits_with_0_when_told_to_stop()
    {
        await using var server = Serve(FreePorts);
        var ready = ReadyLine().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        using var channel = GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
        var info = await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel)
            .GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.Equal("loupe-nano", info.Model.Name);
        Assert.StartsWith(ready.Groups["hash"].Value, info.Model.Hash, StringComparison.Ordinal);
        Assert.True(info.Model.Demonstration);
        using var http = new HttpClient { BaseAddress = new Uri(ready.Groups["operations"].Value) };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz/ready", Patience.Token())).StatusCode);

        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.Empty(await server.ReadToEndAsync());
        Assert.Contains("demonstration model", server.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("others than this machine", server.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task Told_to_stop_it_finishes_its_sessions_first(string signal)
    {
        await using var server = Serve(FreePorts);
        var ready = ReadyLine().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        using var channel = GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
        var client = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel);
        using var session = new RawSession(client.Analyze(cancellationToken: Patience.Token()));
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        Assert.NotNull((await session.NextAsync()).Granted);
        var picture = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample("authentic-rocket.png"), Patience.Token()));
        for (ulong id = 0; id < 20; id++)
        {
            await session.SendFrameAsync(id, frame => frame.Encoded.Data = picture);
        }

        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        await server.SignalAsync(signal);
        var (rest, failure) = await session.FailureAsync();
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Single(rest, static response => response.Event?.Kind == SessionEventKind.Draining);
        var outcomes = rest.Where(static response => response.Outcome is not null).Select(static response => response.Outcome).ToList();
        Assert.Equal(Enumerable.Range(1, outcomes.Count).Select(static id => (ulong)id), outcomes.Select(static outcome => outcome.FrameId));
        Assert.All(outcomes, static outcome => Assert.True(outcome.Result is not null || outcome.Dropped?.Reason == DropReason.SessionEnded));
        Assert.Equal((ulong)outcomes.Count + 1, rest[^1].Summary.Frames);
        Assert.Equal(0, await server.ExitAsync());
    }

    [Fact]
    public async Task What_a_client_calls_itself_cannot_forge_a_line_of_the_log_or_reach_the_terminal_raw()
    {
        await using var server = Serve(FreePorts);
        var ready = ReadyLine().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        using var channel = GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
        using var session = new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: Patience.Token()));
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession { SessionName = "red \u001b[31m\u009b2J\nfail: forged", Client = "\u0007bell\r\u0000" } });
        Assert.NotNull((await session.NextAsync()).Granted);
        await session.CompleteAsync();
        await session.RestAsync();
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.Contains("red \uFFFD[31m\uFFFD2J fail: forged", server.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Error, static letter => char.IsControl(letter) && letter != '\n');
        Assert.All(server.Error.TrimEnd().Split('\n'), static line => Assert.Matches(@"^\d{4}-\d\d-\d\dT", line));
    }

    /// <summary>In a process of its own: instruments are counted for all servers of a process together.</summary>
    [Fact]
    public async Task It_counts_sessions_and_what_becomes_of_their_frames()
    {
        await using var server = Serve(FreePorts);
        var ready = ReadyLine().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        using var channel = GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
        var client = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel);
        using var session = new RawSession(client.Analyze(cancellationToken: Patience.Token()));
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        await session.NextAsync();
        var picture = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample("authentic-rocket.png"), Patience.Token()));
        await session.SendFrameAsync(1, frame => frame.Encoded.Data = picture);
        await session.SendFrameAsync(2);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        Assert.NotNull((await session.NextOutcomeAsync()).Failed);

        using var http = new HttpClient { BaseAddress = new Uri(ready.Groups["operations"].Value) };
        var metrics = await http.GetStringAsync("/metrics", Patience.Token());
        Assert.Matches(@"(?m)^loupe_sessions(\{.*\})? 1$", metrics);
        Assert.Matches(@"(?m)^loupe_session_outcomes_total\{.*outcome=""result"".*\} 1$", metrics);
        Assert.Matches(@"(?m)^loupe_session_outcomes_total\{.*outcome=""failed"".*\} 1$", metrics);
        Assert.Matches(@"(?m)^loupe_stage_duration_seconds_count\{.*stage=""encode"".*\} 1$", metrics);
    }

    [Fact]
    public async Task Everything_wrong_with_the_settings_is_told_at_once_with_exit_code_2()
    {
        var (code, output, error) = await RunAsync(
            ["serve", "--Loupe:Limits:MaxFrameBytes=-1", "--Loupe:Limits:MaxSid", "300", "--listen", "nowhere", "--Loupe:Thresholds:Low=0.9"],
            ("Loupe__Limits__MaxSide", "many"), ("LOUPE__ENGINE__INTRAOPTHREADS", "999"), ("Loupe__Shutdown__DrainTimeout", "yesterday"));
        Assert.Equal((2, string.Empty), (code, output));
        Assert.Equal(
            [
                "error: Loupe:Endpoints:Grpc is 'nowhere' (command line): expected http://HOST:PORT, https://HOST:PORT or unix:/PATH.",
                "error: Loupe:Engine:IntraOpThreads is '999' (environment): expected a whole number from 0 to 256.",
                "error: Loupe:Limits:MaxFrameBytes is '-1' (command line): expected a number of bytes from 1 KiB to 1 GiB.",
                "error: Loupe:Limits:MaxSid (command line) is not a setting; did you mean Loupe:Limits:MaxSide?",
                "error: Loupe:Limits:MaxSide is 'many' (environment): expected a whole number from 1 to 65535.",
                "error: Loupe:Shutdown:DrainTimeout is 'yesterday' (environment): expected a duration from 0 s to 1 h, such as 90, 90s or 00:01:30.",
                "error: Loupe:Thresholds:Low is 0.9, above Loupe:Thresholds:High, which is 0.6.",
            ],
            error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("--Logging:LogLevel:Grpc=Verbose", "Logging:LogLevel:Grpc is 'Verbose' (command line): expected Trace, Debug, Information, Warning, Error, Critical or None")]
    [InlineData("--Logging:Console:MaxQueueLength=many", "section Logging: ")]
    [InlineData("--Loupe:Limits:MaxPixels=2000000000", "Loupe:Limits:MaxPixels is '2000000000' (command line): expected a whole number from 1 to 1073741824.")]
    public async Task A_value_that_only_something_later_would_refuse_is_a_settings_error(string setting, string message)
    {
        var (code, output, error) = await RunAsync(["serve", .. FreePorts, setting]);
        Assert.Equal((2, string.Empty), (code, output));
        Assert.StartsWith($"error: {message}", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("--frobnicate")]
    [InlineData("frobnicate")]
    [InlineData("serve", "--model")]
    [InlineData("serve", "--Loupe:Limits:MaxSide")]
    [InlineData("serve", "--Logging:LogLevel:Default")]
    public async Task Wrong_usage_has_exit_code_2(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);
        Assert.Equal((2, string.Empty), (code, output));
        Assert.Contains("error: ", error, StringComparison.Ordinal);
        Assert.Contains("--help", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--listen", "--listen or Loupe:Endpoints:Grpc")]
    [InlineData("--operations", "--operations or Loupe:Endpoints:Operations")]
    [InlineData("--web", "--web or Loupe:Endpoints:Web")]
    public async Task An_address_that_is_taken_is_a_start_up_failure_that_names_the_setting(string option, string setting)
    {
        using var taken = new Socket(SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}";
        List<string> arguments = [.. FreePorts, "--web", "http://127.0.0.1:0"];
        arguments[arguments.IndexOf(option) + 1] = url;
        var (code, output, error) = await RunAsync(arguments);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains($"error: cannot listen on {url}: ", error, StringComparison.Ordinal);
        Assert.Contains(setting, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_a_start_up_failure()
    {
        var (code, output, error) = await RunAsync([.. FreePorts, "--model", _temporary["nowhere"]]);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains(_temporary["nowhere"], error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://*:0")]
    [InlineData("http://+:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://0.0.0.0:0")]
    public async Task Listening_on_every_interface_its_ready_line_has_an_address_for_clients_and_its_log_says_who_else_reaches_it(string url)
    {
        await using var server = Serve(["--listen", url, "--operations", url, "--open"]);
        var ready = ReadyLine().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        using var channel = GrpcChannel.ForAddress(ready.Groups["grpc"].Value);
        await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        using var http = new HttpClient { BaseAddress = new Uri(ready.Groups["operations"].Value) };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz/ready", Patience.Token())).StatusCode);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.All(
            ["Loupe:Endpoints:Grpc", "Loupe:Endpoints:Operations"],
            setting => Assert.Contains($"{setting} is {url}: others than this machine reach it", server.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Addresses_of_the_web_framework_are_ignored_with_a_warning()
    {
        await using var server = Serve(FreePorts, ("ASPNETCORE_URLS", "http://127.0.0.1:1"), ("HTTP_PORTS", "2"));
        Assert.Matches(ReadyLine(), await server.ReadLineAsync() ?? string.Empty);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.Contains("ASPNETCORE_URLS is set but ignored", server.Error, StringComparison.Ordinal);
        Assert.Contains("HTTP_PORTS is set but ignored", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_lists_every_verb_and_every_setting()
    {
        var (code, output, _) = await RunAsync(["--help"]);
        Assert.Equal(0, code);
        foreach (var verb in new[] { "serve", "convert", "inspect", "probe" })
        {
            Assert.Matches($@"(?m)^  {verb} .*\.$", output);
        }

        Assert.DoesNotContain("MaxFrameBytes", output, StringComparison.Ordinal);

        (code, output, _) = await RunAsync(["serve", "--help"]);
        Assert.Equal(0, code);
        Assert.All(
            Server.Configuration.SettingDescription.All,
            setting => Assert.Contains(setting.Name, output, StringComparison.Ordinal));
    }

    private ServerProcess Serve(IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        ServerProcess.Start(arguments, [("XDG_CACHE_HOME", _temporary.FullName), .. environment]);

    private Task<(int Code, string Output, string Error)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        ServerProcess.RunAsync(arguments, [("XDG_CACHE_HOME", _temporary.FullName), .. environment]);

    [GeneratedRegex(@"^ready (?<grpc>http://127\.0\.0\.1:[1-9]\d*) operations=(?<operations>http://127\.0\.0\.1:[1-9]\d*) model=loupe-nano@(?<hash>[0-9a-f]{8}) provider=CPU precision=fp32$")]
    private static partial Regex ReadyLine();
}
