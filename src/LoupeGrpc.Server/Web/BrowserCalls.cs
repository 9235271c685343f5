using Grpc.AspNetCore.Server;
using Grpc.Core;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;

namespace LoupeGrpc.Server.Web;

/// <summary>The services of the contract as gRPC-Web, for browsers: calls of one message each way. Sessions are WebSockets there.</summary>
internal static class BrowserCalls
{
    /// <summary>Pages of which other origins may call.</summary>
    private const string CorsPolicy = "pages";

    public static void AddBrowsers(this IServiceCollection services, WebOptions options)
    {
        var origins = WebOrigins.Parse(options.Origins);
        services.AddCors(cors => cors.AddPolicy(CorsPolicy, policy =>
        {
            _ = origins.AllowsAll ? policy.AllowAnyOrigin() : policy.WithOrigins([.. origins.Others]);
            policy.AllowAnyMethod().AllowAnyHeader().WithExposedHeaders("grpc-status", "grpc-message", "grpc-status-details-bin", "retry-after");
        }));
    }

    /// <summary>Before calls are looked at: what comes as gRPC-Web is gRPC from here on.</summary>
    public static void UseBrowsers(this WebApplication app)
    {
        app.UseCors();
        app.UseGrpcWeb();
        app.UseWebSockets();
        app.Use(SocketKey.TakeAsync);
    }

    /// <param name="web">The listener's own group.</param>
    public static void MapBrowserCalls(this RouteGroupBuilder web)
    {
        web.RequireCors(CorsPolicy);
        web.MapGrpcService<ForgeryAnalysisEndpoint>().EnableGrpcWeb().For(Role.Analyse).Add(RefuseStreams);
        web.MapGrpcService<SessionAdminEndpoint>().EnableGrpcWeb().For(Role.Admin).Add(RefuseStreams);
    }

    /// <summary>A browser sends the whole of a request before it reads an answer: a session would wait for itself.</summary>
    private static void RefuseStreams(EndpointBuilder endpoint)
    {
        if (endpoint.Metadata.OfType<GrpcMethodMetadata>().FirstOrDefault() is { Method.Type: not MethodType.Unary })
        {
            endpoint.RequestDelegate = static http =>
            {
                GrpcHeaders.AnswerAtOnce(http.Response, StatusCode.Unimplemented, "streams are WebSockets here: /v1/stream");
                return Task.CompletedTask;
            };
        }
    }
}
