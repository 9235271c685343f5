using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Web;

/// <summary>Pictures over plain HTTP.</summary>
public sealed partial class RestTests : IDisposable
{
    private static readonly byte[] Picture = [1, 2, 3];

    private readonly TemporaryDirectory _temporary = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public void Dispose()
    {
        _http.Dispose();
        _temporary.Dispose();
    }

    /// <summary>The line of the README against the real program, beside what the client's tool prints for the same picture.</summary>
    [Fact]
    public async Task What_curl_gets_is_what_the_tool_prints()
    {
        await using var server = ServerProcess.Start(
            ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "http://127.0.0.1:0"], ("XDG_CACHE_HOME", _temporary.FullName));
        var ready = Ready().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        var line = CurlLine().Match(await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, "README.md"), Patience.Token()));
        Assert.True(line.Success);

        var answer = Run(line.Value.Replace("http://127.0.0.1:5007", ready.Groups["web"].Value, StringComparison.Ordinal));
        var printed = Run($"{ClientProcess.Program} analyze {line.Groups["file"].Value} --server {ready.Groups["grpc"].Value} --format jsonl 2> /dev/null || [ $? = 10 ]");

        Assert.Equal("forged-cat-in-coffee.jpg", (string?)JsonNode.Parse(answer)!["path"]);
        Assert.Contains("\"counts\":", answer, StringComparison.Ordinal);
        Assert.Equal(Comparable(printed), Comparable(answer));
    }

    /// <summary>The same of the lines that ask for what people look at.</summary>
    [Fact]
    public async Task What_curl_gets_is_what_the_tool_paints()
    {
        await using var server = ServerProcess.Start(
            ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "http://127.0.0.1:0"], ("XDG_CACHE_HOME", _temporary.FullName));
        var ready = Ready().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        var readme = await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, "README.md"), Patience.Token());
        var (overlay, report) = (OverlayLine().Match(readme), ReportLine().Match(readme));
        Assert.True(overlay.Success && report.Success);

        Run(Here(overlay));
        Run(Here(report));
        Run($"{ClientProcess.Program} analyze {overlay.Groups["file"].Value} --server {ready.Groups["grpc"].Value} --save-overlays --output '{_temporary.FullName}' > /dev/null 2>&1 || [ $? = 10 ]");

        Assert.Equal(
            await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(_temporary["overlays"])), Patience.Token()), await File.ReadAllBytesAsync(_temporary["overlay.png"], Patience.Token()));
        Assert.Contains("<h1>Report on 2 pictures</h1>", await File.ReadAllTextAsync(_temporary["report.html"], Patience.Token()), StringComparison.Ordinal);

        string Here(Match line) => line.Value.Replace("http://127.0.0.1:5007", ready.Groups["web"].Value, StringComparison.Ordinal)
            .Replace($"-o {line.Groups["output"].Value}", $"-o '{_temporary[line.Groups["output"].Value]}'", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_is_one_object_and_a_form_of_two_an_array()
    {
        await using var server = await RunningServer.StartAsync(Answering());
        var (status, one) = await PostAsync(server, Body("image/png"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(("RESULT", "AUTHENTIC", null), ((string?)one["outcome"], (string?)one["verdict"], (string?)one["path"]));

        using var form = new MultipartFormDataContent { { new ByteArrayContent(Picture), "file", "a.png" }, { new ByteArrayContent([]), "file", "b.png" } };
        (status, var two) = await PostAsync(server, form);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(
            [("a.png", 0, "RESULT"), ("b.png", 1, "FAILED")],
            two.AsArray().Select(static row => ((string)row!["path"]!, (int)row["frame_id"]!, (string)row["outcome"]!)));

        using var single = new MultipartFormDataContent { { new ByteArrayContent(Picture), "file", "a.png" } };
        (_, var alone) = await PostAsync(server, single);
        Assert.Equal("a.png", (string?)alone.AsObject()["path"]);
        await Patience.UntilAsync(() => server.Ledger.Receiving.Held.Bytes == 0);
    }

    [Theory]
    [InlineData("?mask=maybe", "image/png", 400, "INVALID", "expected always, suspected or never")]
    [InlineData("?thresholds=0.6,0.4", "image/png", 400, "INVALID", "0 <= LOW <= HIGH <= 1")]
    [InlineData("?explain=fr", "image/png", 400, "INVALID", "expected en or zh")]
    [InlineData("?tile=1", "image/png", 400, "INVALID", "the query has 'tile'")]
    [InlineData("", "application/x-www-form-urlencoded", 415, "UNSUPPORTED", "curl -F file=@a.jpg")]
    [InlineData("", "multipart/form-data", 400, "INVALID", "no boundary")]
    [InlineData("", "multipart/form-data; boundary=x", 400, "INVALID", "the body cannot be read")]
    public async Task What_cannot_be_right_is_a_problem(string query, string type, int status, string code, string detail)
    {
        await using var server = await RunningServer.StartAsync(Answering());
        using var body = new ByteArrayContent(Picture);
        body.Headers.TryAddWithoutValidation("Content-Type", type);
        await RefusedAsync(server, body, status, code, detail, query);
    }

    [Fact]
    public async Task A_form_of_other_fields_and_one_without_pictures_are_problems()
    {
        await using var server = await RunningServer.StartAsync(Answering());
        using var other = new MultipartFormDataContent { { new StringContent("always"), "mask" } };
        await RefusedAsync(server, other, 400, "INVALID", "'mask': expected 'file' alone");
        using var none = new ByteArrayContent("--x--\r\n"u8.ToArray());
        none.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");
        await RefusedAsync(server, none, 400, "INVALID", "the form holds no picture");
        await RefusedAsync(server, new ByteArrayContent([]), 400, "INVALID", "no bytes");
    }

    [Fact]
    public async Task Over_a_limit_it_is_413_with_the_setting()
    {
        await using var server = await RunningServer.StartAsync(Answering(), new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1024, Credits = 2 } });
        var large = new byte[1025];
        await RefusedAsync(server, Body("image/png", large), 413, "TOO_LARGE", "Loupe:Limits:MaxFrameBytes");
        using var form = new MultipartFormDataContent { { new ByteArrayContent(large), "file", "a.png" } };
        await RefusedAsync(server, form, 413, "TOO_LARGE", "Loupe:Limits:MaxFrameBytes");
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(server, Body("image/png", new byte[1024]))).Status);
        using var three = new MultipartFormDataContent();
        Enumerable.Range(0, 3).ToList().ForEach(number => three.Add(new ByteArrayContent(Picture), "file", $"{number}.png"));
        await RefusedAsync(server, three, 413, "TOO_LARGE", "Loupe:Limits:Credits");
        await Patience.UntilAsync(() => server.Ledger.Receiving.Held.Bytes == 0);
    }

    [Fact]
    public async Task A_body_that_pauses_is_given_up()
    {
        await using var server = await RunningServer.StartAsync(Answering(), new LoupeOptions { Connections = new ConnectionOptions { BodyTimeout = TimeSpan.FromSeconds(1) } });
        using var client = new TcpClient(server.Server.Web!.Host, server.Server.Web.Port);
        await client.GetStream().WriteAsync("POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nabc"u8.ToArray(), Patience.Token());
        using var reader = new StreamReader(client.GetStream());
        Assert.Equal("HTTP/1.1 408 Request Timeout", await reader.ReadLineAsync(Patience.Token()));
        var answer = new StringBuilder();
        while (!answer.ToString().Contains("Loupe:Connections:BodyTimeout", StringComparison.Ordinal))
        {
            answer.AppendLine(await reader.ReadLineAsync(Patience.Token()) ?? throw new EndOfStreamException(answer.ToString()));
        }

        await Patience.UntilAsync(() => server.Ledger.Receiving.Held.Bytes == 0);
    }

    /// <summary>Before, while and after its body is looked at.</summary>
    [Theory]
    [InlineData("/v1/analyze", "image/png")]
    [InlineData("/loupe.v1.ForgeryAnalysisService/AnalyzeImage", "application/grpc-web+proto")]
    public async Task A_connection_that_is_reset_in_the_middle_of_a_body_is_no_fault(string path, string type)
    {
        await using var server = await RunningServer.StartAsync(Answering());
        byte[] request = [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: 1048581\r\n\r\n"), 0, 0, 16, 0, 0, .. new byte[200_000]];
        for (var i = 0; i < 40; i++)
        {
            using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(server.Server.Web!.Host, server.Server.Web.Port, Patience.Token());
            await client.SendAsync(request, Patience.Token());
            client.Close(timeout: 0);
        }

        await Patience.UntilAsync(() => server.Ledger.Receiving.Held.Bytes == 0);
    }

    [Fact]
    public async Task Other_methods_and_other_answers_are_told_what_there_is()
    {
        await using var server = await RunningServer.StartAsync(Answering());
        using var get = await _http.GetAsync(new Uri(server.Server.Web!, "/v1/analyze"), Patience.Token());
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        Assert.Equal(["POST"], get.Content.Headers.Allow);
        using var webp = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Server.Web!, "/v1/analyze")) { Content = Body("image/png"), Headers = { Accept = { new MediaTypeWithQualityHeaderValue("image/webp") } } };
        Assert.Equal(HttpStatusCode.NotAcceptable, (await _http.SendAsync(webp, Patience.Token())).StatusCode);
        var info = JsonNode.Parse(await _http.GetStringAsync(new Uri(server.Server.Web!, "/v1/info"), Patience.Token()))!;
        Assert.Equal("scripted", (string?)info["model"]!["name"]);
    }

    [Fact]
    public async Task Who_may_not_come_in_is_told_so_in_the_same_form()
    {
        var observer = await SecureServer.AddKeyAsync(_temporary["keys.json"], "watcher", Role.Observe);
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Security = new SecurityOptions { Keys = _temporary["keys.json"] } });
        foreach (var (key, status, code) in new (string?, HttpStatusCode, string)[] { (null, HttpStatusCode.Unauthorized, "UNAUTHENTICATED"), (observer, HttpStatusCode.Forbidden, "PERMISSION_DENIED") })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Server.Web!, "/v1/analyze")) { Content = Body("image/png") };
            request.Headers.Accept.ParseAdd("image/png");
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using var response = await _http.SendAsync(request, Patience.Token());
            Assert.Equal(status, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal(code, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(Patience.Token()))!["code"]);
        }
    }

    private static ScriptedAnalyzer Answering() => new() { Answer = static _ => ScriptedAnalyzer.Result(0.1f) };

    private static ByteArrayContent Body(string type, byte[]? bytes = null) => new(bytes ?? Picture) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };

    private async Task<(HttpStatusCode Status, JsonNode Answer)> PostAsync(RunningServer server, HttpContent body, string query = "")
    {
        using var response = await _http.PostAsync(new Uri(server.Server.Web!, $"/v1/analyze{query}"), body, Patience.Token());
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(Patience.Token()))!);
    }

    private async Task RefusedAsync(RunningServer server, HttpContent body, int status, string code, string detail, string query = "")
    {
        var (answered, problem) = await PostAsync(server, body, query);
        Assert.Equal((status, code), ((int)answered, (string?)problem["code"]));
        Assert.Contains(detail, (string?)problem["detail"], StringComparison.Ordinal);
    }

    private static string Run(string line) => Encoding.UTF8.GetString(SystemTool.Run("/bin/sh", "-c", $"cd '{TestData.RepositoryRoot}' && {line}"));

    /// <summary>Without what differs from run to run, and the path, of which a form has the name alone.</summary>
    private static string Comparable(string json)
    {
        var row = JsonNode.Parse(json)!.AsObject();
        Assert.All(["path", "frame_id", "timings_ms"], name => Assert.True(row.Remove(name)));
        return row.ToJsonString();
    }

    [GeneratedRegex(@"^ready (?<grpc>\S+) operations=\S+ web=(?<web>\S+) ")]
    private static partial Regex Ready();

    [GeneratedRegex(@"curl -F file=@(?<file>\S+) 'http://127\.0\.0\.1:5007/v1/analyze\?explain=en'")]
    private static partial Regex CurlLine();

    [GeneratedRegex(@"curl -f -F file=@(?<file>\S+) -H 'Accept: image/png' -o (?<output>\S+) http://127\.0\.0\.1:5007/v1/analyze")]
    private static partial Regex OverlayLine();

    [GeneratedRegex(@"curl -f -F file=@\S+ -F file=@\S+ -H 'Accept: text/html' -o (?<output>\S+) 'http://127\.0\.0\.1:5007/v1/analyze\?explain=en'")]
    private static partial Regex ReportLine();
}
