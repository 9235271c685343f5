using System.Net;
using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LoupeGrpc.FunctionalTests.Web;

/// <summary>What <c>/openapi.json</c> says, against what the server has. That its answers are as described is held by <c>tests/openapi</c>.</summary>
public sealed class ApiDocumentTests : IDisposable
{
    /// <summary>No document can describe it: messages over a WebSocket.</summary>
    private const string Stream = "/v1/stream";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Every_path_of_the_server_is_in_it_and_no_other_with_the_method_that_is_answered()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        var paths = JsonNode.Parse(await _http.GetStringAsync(new Uri(server.Server.Web!, "/openapi.json"), Patience.Token()))!["paths"]!.AsObject();
        var routes = server.Server.Services.GetServices<EndpointDataSource>().SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(static route => route.Metadata.GetMetadata<ServedOn>()?.Listener == Listener.Web)
            .Select(static route => $"/{route.RoutePattern.RawText!.Trim('/')}")
            .Where(static path => path.StartsWith("/v1/", StringComparison.Ordinal) || path.StartsWith("/v2", StringComparison.Ordinal))
            .Where(static path => path != Stream)
            .Distinct();
        Assert.Equal(routes.Order(StringComparer.Ordinal), paths.Select(static path => path.Key).Order(StringComparer.Ordinal));

        List<string> names = [];
        foreach (var (path, item) in paths)
        {
            foreach (var (method, operation) in item!.AsObject().Where(static part => part.Key is "get" or "post" or "put" or "delete"))
            {
                names.Add((string)operation!["operationId"]!);
                using var request = new HttpRequestMessage(HttpMethod.Parse(method), new Uri(server.Server.Web!, path.Replace("{name}", "default", StringComparison.Ordinal)));
                using var response = await _http.SendAsync(request, Patience.Token());
                Assert.NotEqual((path, HttpStatusCode.MethodNotAllowed), (path, response.StatusCode));
            }
        }

        Assert.Equal(names.Distinct(), names);
        Assert.InRange(names.Count, 17, int.MaxValue);
    }
}
