using System.Net;
using System.Net.Http.Headers;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace LoupeGrpc.FunctionalTests.Security;

/// <summary>Each call and each path that the server has, from the server itself, tried by those who may not have it.</summary>
public sealed class EveryDoorTests : IDisposable
{
    private const string Open = "everybody";

    /// <summary>A new service or path gets its line here, and in the server its rule.</summary>
    private static readonly Dictionary<string, string> Rules = new(StringComparer.Ordinal)
    {
        ["/loupe.v1.ForgeryAnalysisService/"] = "analyse",
        ["/loupe.v1.SessionAdminService/"] = "admin",
        ["/inference.GRPCInferenceService/ServerLive"] = Open,
        ["/inference.GRPCInferenceService/ServerReady"] = Open,
        ["/inference.GRPCInferenceService/"] = "analyse",
        ["/grpc.health.v1.Health/"] = Open,
        ["/grpc.reflection.v1.ServerReflection/"] = "analyse",
        ["/grpc.reflection.v1alpha.ServerReflection/"] = "analyse",
        ["/anything/"] = "analyse",
        ["/healthz/live"] = Open,
        ["/healthz/ready"] = Open,
        ["/info"] = "observe",
        ["/metrics"] = "observe",
        ["/v1/operations"] = "observe",
        ["/v1/"] = "analyse",
        ["/v2/health/"] = Open,
        ["/v2"] = "analyse",
        ["/assets/"] = Open,
        ["/samples/"] = Open,
        ["/icon.svg"] = Open,
        ["/openapi.json"] = Open,
    };

    private readonly TemporaryDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Nobody_comes_in_where_the_rule_does_not_let_them()
    {
        var keys = new Dictionary<Role, string>();
        foreach (var role in Enum.GetValues<Role>())
        {
            keys[role] = await SecureServer.AddKeyAsync(_files["keys.json"], role.Word(), role);
        }

        await using var server = await SecureServer.StartAsync(new LoupeOptions
        {
            Security = new SecurityOptions { Keys = _files["keys.json"] },
            Admin = new AdminOptions { Enabled = true },
        });
        var routes = server.Server.Services.GetServices<EndpointDataSource>().SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>().ToList();
        Assert.True(routes.Count > 10);
        foreach (var route in routes)
        {
            var path = PathOf(route);
            var rule = RuleOf(path);
            var listener = Assert.IsType<ServedOn>(route.Metadata.GetMetadata<ServedOn>()).Listener;

            Assert.Equal((path, rule == Open), (path, route.Metadata.GetMetadata<IAllowAnonymous>() is not null));
            Assert.Equal((path, rule == Open ? "in" : "unknown"), (path, await AskAsync(server.Server, listener, path, null)));
            Assert.Equal((path, rule == Open ? "in" : "unknown"), (path, await AskAsync(server.Server, listener, path, AccessKey.NewSecret())));
            Assert.Equal((path, rule == Open ? "in" : "unknown"), (path, await AskAsync(server.Server, listener, path, "no key at all")));
            foreach (var (role, key) in keys)
            {
                var expected = rule is Open || rule == role.Word() || role == Role.Admin ? "in" : "forbidden";
                Assert.Equal((path, role, expected), (path, role, await AskAsync(server.Server, listener, path, key)));
            }
        }

        // What is here no more has a rule no more.
        Assert.All(Rules.Keys, rule => Assert.Contains(routes, route => PathOf(route).StartsWith(rule, StringComparison.Ordinal)));
    }

    /// <summary>Without a rule an endpoint is for nobody, whatever they have.</summary>
    [Fact]
    public async Task Whoever_forgets_a_rule_lets_nobody_in()
    {
        await using var server = await SecureServer.StartAsync(new LoupeOptions());
        var policy = await server.Server.Services.GetRequiredService<IAuthorizationPolicyProvider>().GetFallbackPolicyAsync();
        Assert.NotNull(policy);
        var context = new DefaultHttpContext();
        context.Features.Set(new Caller("key:root", Enum.GetValues<Role>()));
        var authorization = server.Server.Services.GetRequiredService<IAuthorizationService>();
        Assert.True((await authorization.AuthorizeAsync(context.User, context, policy)).Succeeded);
        context.SetEndpoint(new Endpoint(null, null, "forgotten"));
        Assert.False((await authorization.AuthorizeAsync(context.User, context, policy)).Succeeded);
    }

    private static string RuleOf(string path) => path == "/" ? Open :
        Rules.Where(rule => path.StartsWith(rule.Key, StringComparison.Ordinal)).Select(static rule => rule.Value).FirstOrDefault() ?? throw new Xunit.Sdk.XunitException($"{path} has no rule");

    private static string PathOf(RouteEndpoint route) => "/" + string.Join('/', route.RoutePattern.PathSegments.Select(
        static segment => segment.Parts[0] is RoutePatternLiteralPart literal ? literal.Content : "anything"));

    private static async Task<string> AskAsync(LoupeServer server, Listener listener, string path, string? key)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        // gRPC, and gRPC-Web where browsers are served.
        var (address, call) = listener switch
        {
            Listener.Grpc => (server.Grpc, "application/grpc"),
            Listener.Web => (server.Web!, path.StartsWith("/loupe.v1.", StringComparison.Ordinal) ? "application/grpc-web" : null),
            _ => (server.Operations, null),
        };
        using var request = new HttpRequestMessage(call is null ? HttpMethod.Get : HttpMethod.Post, new Uri(address, path))
        {
            Version = listener == Listener.Grpc ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = call is null ? null : new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue(call) } },
        };
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("authorization", $"Bearer {key}");
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Patience.Token());
        var status = response.Headers.TryGetValues("grpc-status", out var values) ? values.Single() : null;
        return (response.StatusCode, status) switch
        {
            (HttpStatusCode.Unauthorized, _) or (HttpStatusCode.OK, "16") => "unknown",
            (HttpStatusCode.Forbidden, _) or (HttpStatusCode.OK, "7") => "forbidden",
            (HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, _) => "in",
            (HttpStatusCode.MethodNotAllowed or HttpStatusCode.UpgradeRequired, _) when listener == Listener.Web => "in",
            // Of a model that is called anything.
            (HttpStatusCode.NotFound, _) when path.StartsWith("/v2/models/anything", StringComparison.Ordinal) => "in",
            var other => $"{other}",
        };
    }
}
