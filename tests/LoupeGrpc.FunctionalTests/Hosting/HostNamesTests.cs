using System.Net;
using System.Net.WebSockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>A page whose own name leads to this machine is to its browser the same origin as the server, which only the name in the request gives away.</summary>
public sealed class HostNamesTests
{
    private static readonly (string Method, string Path)[] Doors =
    [
        ("GET", "/v1/info"), ("POST", "/v1/analyze"), ("GET", "/v2"), ("POST", "/loupe.v1.SessionAdminService/ListSessions"), ("POST", "/loupe.v1.ForgeryAnalysisService/AnalyzeImage"),
    ];

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:5007")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("notlocalhost")]
    public async Task A_name_that_leads_here_opens_nothing(string host)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Admin = new AdminOptions { Enabled = true } });

        foreach (var (method, path) in Doors)
        {
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, await AskAsync(server.Server.Web!, method, path, host)));
        }

        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server.Server.Operations, "GET", "/metrics", host));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(server.Server.Operations, "GET", "/info", host));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Server.Operations, "GET", "/healthz/ready", host));
        Assert.Equal(HttpStatusCode.Forbidden, await OpenSocketAsync(server.Server.Web!, host));
    }

    [Theory]
    [InlineData("none", "127.0.0.1:5007")]
    [InlineData("none", "localhost")]
    [InlineData("none", "LOCALHOST.:80")]
    [InlineData("none", "loupe.localhost")]
    [InlineData("none", "[::1]:5007")]
    [InlineData("none", "192.0.2.7")]
    [InlineData("loupe.example watch.example", "Watch.example:8443")]
    [InlineData("*", "evil.example")]
    public async Task Its_own_names_and_those_of_the_setting_do(string setting, string host)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Security = new SecurityOptions { Hosts = setting } });

        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Server.Web!, "GET", "/v1/info", host));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Server.Operations, "GET", "/metrics", host));
        Assert.Equal(HttpStatusCode.SwitchingProtocols, await OpenSocketAsync(server.Server.Web!, host));
    }

    [Fact]
    public async Task Where_strangers_are_let_in_any_name_will_do()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Security = new SecurityOptions { Open = true } });

        Assert.Equal(HttpStatusCode.OK, await AskAsync(server.Server.Web!, "GET", "/v1/info", "loupe.example"));
    }

    private static async Task<HttpStatusCode> AskAsync(Uri address, string method, string path, string host)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(address, path)) { Headers = { Host = host } };
        using var answer = await http.SendAsync(request, Patience.Token());
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> OpenSocketAsync(Uri address, string host)
    {
        using var socket = new ClientWebSocket { Options = { CollectHttpResponseDetails = true, Proxy = null } };
        socket.Options.SetRequestHeader("Host", host);
        socket.Options.SetRequestHeader("Origin", $"http://{host}");
        try
        {
            await socket.ConnectAsync(new UriBuilder(address) { Scheme = "ws", Path = "/v1/stream" }.Uri, Patience.Token());
        }
        catch (WebSocketException)
        {
            // The status says why.
        }

        return socket.HttpStatusCode;
    }
}
