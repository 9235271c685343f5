using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Models;
using LoupeGrpc.V1;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LoupeGrpc.FunctionalTests.Hosting;

public class ListenerTests
{
    [Theory]
    [InlineData("http://127.0.0.1:0", "127.0.0.1", "127.0.0.1")]
    [InlineData("http://0.0.0.0:0", "127.0.0.1", "127.0.0.1")]
    [InlineData("http://[::1]:0", "[::1]", "[::1]")]
    [InlineData("http://[::]:0", "127.0.0.1", "127.0.0.1 [::1]")]
    [InlineData("http://*:0", "127.0.0.1", "127.0.0.1 [::1]")]
    [InlineData("http://+:0", "127.0.0.1", "127.0.0.1 [::1]")]
    [InlineData("http://localhost:0", "localhost", "127.0.0.1 [::1] localhost")]
    public async Task However_an_address_is_written_clients_reach_it(string url, string shown, string reachable)
    {
        await using var server = await StartAsync(url);
        Assert.Equal((shown, shown), (server.Grpc.Host, server.Operations.Host));
        Assert.NotEqual(server.Grpc.Port, server.Operations.Port);
        foreach (var host in reachable.Split(' ').Append(shown))
        {
            using var channel = GrpcChannel.ForAddress($"http://{host}:{server.Grpc.Port}");
            await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
            using var http = new HttpClient();
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://{host}:{server.Operations.Port}/healthz/live", Patience.Token())).StatusCode);
        }

        await server.StopAsync();
    }

    /// <summary>Both loopbacks have the port or nobody has.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task Localhost_is_taken_where_one_of_the_loopbacks_is(string address)
    {
        using var taken = new TcpListener(IPAddress.Parse(address), 0);
        taken.Start();
        var url = $"http://localhost:{((IPEndPoint)taken.LocalEndpoint).Port}";
        var exception = await Assert.ThrowsAsync<ListenException>(() => StartAsync(url));
        Assert.Equal($"cannot listen on {url}: Address already in use. Choose another address with --listen or Loupe:Endpoints:Grpc.", exception.Message);
    }

    [Fact]
    public async Task Every_route_answers_on_its_own_listener_and_on_no_other()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Admin = new AdminOptions { Enabled = true } });
        var routes = server.Server.Services.GetServices<EndpointDataSource>().SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>().ToList();
        Assert.True(routes.Count > 10);
        Assert.Equal(["/healthz/live", "/healthz/ready", "/info", "/metrics"], PathsOf(Listener.Operations).Order(StringComparer.Ordinal));
        Assert.Equal(["/v1/analyze", "/v1/info", "/v1/operations", "/v1/stream"], PathsOf(Listener.Web).Where(static path => path.StartsWith("/v1/", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal));
        foreach (var route in routes)
        {
            var path = PathOf(route);
            var own = Assert.IsType<ServedOn>(route.Metadata.GetMetadata<ServedOn>()).Listener;
            // The contract is on two: as gRPC, and as gRPC-Web.
            var homes = routes.Where(other => PathOf(other) == path).Select(static other => other.Metadata.GetMetadata<ServedOn>()!.Listener).ToHashSet();
            foreach (var listener in Enum.GetValues<Listener>())
            {
                foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
                {
                    var status = await AskAsync(server.Server, listener, method, path);
                    if (!homes.Contains(listener))
                    {
                        Assert.Equal((listener, path, "not found"), (listener, path, status));
                    }
                    else if (homes.Count == 1 && method == (own == Listener.Grpc ? HttpMethod.Post : HttpMethod.Get))
                    {
                        // Of a model that is called anything there is nothing, but for those who would post.
                        var isNone = path.Contains("anything", StringComparison.Ordinal) && !path.EndsWith("/infer", StringComparison.Ordinal);
                        Assert.Equal((listener, path, isNone ? "not found" : "found"), (listener, path, status));
                    }
                }
            }
        }

        IEnumerable<string> PathsOf(Listener listener) => routes.Where(route => route.Metadata.GetMetadata<ServedOn>()?.Listener == listener).Select(PathOf);
    }

    /// <summary>What a header says of the host does not make another listener of it.</summary>
    [Fact]
    public async Task A_host_header_moves_nobody()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var http = Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Server.Grpc, "/metrics")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = $"{server.Server.Operations.Host}:{server.Server.Operations.Port}";
        Assert.Equal(HttpStatusCode.NotFound, (await http.SendAsync(request, Patience.Token())).StatusCode);
    }

    /// <summary>Patterns of services that are not there match any name.</summary>
    private static string PathOf(RouteEndpoint route) => "/" + string.Join('/', route.RoutePattern.PathSegments.Select(
        static segment => segment.Parts[0] is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal ? literal.Content : "anything"));

    /// <summary>What gRPC does not know is UNIMPLEMENTED, which is 12.</summary>
    private static async Task<string> AskAsync(LoupeServer server, Listener listener, HttpMethod method, string path)
    {
        using var http = Client();
        using var request = new HttpRequestMessage(method, new Uri(listener switch { Listener.Grpc => server.Grpc, Listener.Web => server.Web!, _ => server.Operations }, path))
        {
            Version = listener == Listener.Grpc ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = method == HttpMethod.Post ? new ByteArrayContent([]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } } : null,
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Patience.Token());
        var unimplemented = response.Headers.TryGetValues("grpc-status", out var values) && values.Single() == "12";
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => "not found",
            HttpStatusCode.MethodNotAllowed or HttpStatusCode.UpgradeRequired when listener == Listener.Web => "found",
            HttpStatusCode.OK => unimplemented ? "not found" : "found",
            var other => $"{other}",
        };
    }

    private static HttpClient Client() => new(new SocketsHttpHandler { UseProxy = false });

    private static Task<LoupeServer> StartAsync(string url)
    {
        Assert.True(ListenUrl.TryParse(url, out var parsed, out var error), error);
        return LoupeServer.StartAsync(
            new LoupeOptions { Endpoints = new EndpointOptions { Grpc = parsed, Operations = parsed, Web = parsed }, Security = new SecurityOptions { Open = true } },
            ModelRepository.Of(new ScriptedAnalyzer()), TimeProvider.System, static _ => { }, TestContext.Current.CancellationToken);
    }
}
