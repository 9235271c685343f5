using System.Diagnostics.Metrics;
using Grpc.Reflection;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Inference;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.Server.Sessions.Receipts;
using LoupeGrpc.Server.Stores;
using LoupeGrpc.Server.Web;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What the host is made of.</summary>
internal static class LoupeServices
{
    private const string ReadyTag = "ready";

    public static IServiceCollection AddLoupeServer(this IServiceCollection services, LoupeOptions options, ModelRepository models, TimeProvider time)
    {
        services.AddLoupeOptions(options);
        services.AddLoupeSecurity(options);
        services.AddSingleton(models);
        services.AddSingleton(time);
        services.AddSingleton<SessionRegistry>();
        services.AddSingleton<MemoryLedger>();
        services.AddSingleton<MessageRoom>();
        services.AddSingleton<MemoryMetrics>();
        services.AddSingleton<AdaptationBudget>();
        services.AddSingleton<StateTurns>();
        services.AddSingleton<SessionMetrics>();
        services.AddSingleton<ModelMetrics>();
        services.AddSingleton(static provider => new LadderMetrics(
            provider.GetRequiredService<IMeterFactory>(),
            () => provider.GetRequiredService<ModelRepository>().ListServing().Select(static model => KeyValuePair.Create(model.Name, model.Analyzer))));
        services.AddSingleton<FrameScheduler>();
        services.AddSingleton<QueueMetrics>();
        services.AddSingleton<IResponseEncoding, ResponseEncoding>();
        services.AddSessionStore(options.Sessions, ReadyTag);
        services.AddSingleton(static provider => new ReceiptWriter(
            provider.GetRequiredService<LoupeOptions>().Receipts is { AreSigned: true } receipts ? ReceiptKeyFile.Read(receipts.Key) : null,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SessionServices>();
        services.AddSingleton<SessionCalls>();
        services.AddSingleton<PictureQueue>();
        services.AddInference();
        services.AddSingleton<BodyRequests>();
        services.AddSingleton<AnalyzeEndpoint>();
        services.AddSingleton<PicturePainter>();
        services.AddSingleton<StreamEndpoint>();
        services.AddSingleton<ServingState>();
        services.AddSingleton<OpenStreams>();
        services.AddSingleton<HealthWatchers>();
        // Before the drain, so that it stops behind it: sessions end then.
        services.AddSingleton<AuditLog>();
        services.AddHostedService(static provider => provider.GetRequiredService<AuditLog>());
        services.AddHostedService<MemoryRelief>();
        services.AddHostedService<MemoryTrim>();
        services.AddSingleton<TransportBlocks>();
        services.AddSingleton<IMemoryPoolFactory<byte>>(static provider => provider.GetRequiredService<TransportBlocks>());
        services.AddHostedService<SessionDrain>();

        services.AddSingleton<MatcherPolicy, ListenerPolicy>();
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = options.Limits.MaxMessageBytes)
            .AddServiceOptions<ReflectionServiceImpl>(static reflection => reflection.Interceptors.Add<RevokedCalls>())
            .AddServiceOptions<ReflectionV1ServiceImpl>(static reflection => reflection.Interceptors.Add<RevokedCalls>());
        services.AddBrowsers(options.Web);
        services.AddApiDocument();
        services.AddInferenceDocument(ApiDocument.Name);
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks(health =>
        {
            health.Services.Map(string.Empty, static _ => true);
            foreach (var service in (string[])[.. ContractServices.Names, ServerFacts.ServiceName])
            {
                health.Services.Map(service, static _ => true);
            }
        }).AddCheck<ServingHealthCheck>("serving", tags: [ReadyTag]);
        services.Configure<HealthCheckPublisherOptions>(static publisher =>
        {
            // Watchers are told of a change by us; whoever asks gets the answer of the moment.
            publisher.Delay = TimeSpan.Zero;
            publisher.Period = TimeSpan.FromSeconds(5);
        });
        services.AddSingleton<FrameTraces>();
        services.AddLoupeTelemetry(options.Telemetry);
        return services;
    }

    public static WebApplication MapLoupe(this WebApplication app, LoupeOptions options)
    {
        app.UseMiddleware<HostNames>();
        app.UseBrowsers();
        app.UseMiddleware<CallStatusTag>();
        app.UseMiddleware<CallFaults>();
        app.UseMiddleware<MessageMeter>();
        app.UseAuthentication();
        app.UseAuthorization();
        var grpc = app.MapGroup(string.Empty).WithMetadata(new ServedOn(Listener.Grpc));
        grpc.MapGrpcService<ForgeryAnalysisEndpoint>().For(Role.Analyse);
        grpc.MapGrpcService<SessionAdminEndpoint>().For(Role.Admin);
        grpc.MapInferenceCalls();
        // Whoever probes has no key.
        grpc.MapGrpcHealthChecksService().ForEverybody();
        if (options.Reflection.Enabled)
        {
            grpc.MapGrpcReflectionService().For(Role.Analyse);
        }

        var operations = app.MapGroup(string.Empty).WithMetadata(new ServedOn(Listener.Operations));
        operations.MapHealthChecks("/healthz/live", new HealthCheckOptions { Predicate = static _ => false }).ForEverybody();
        operations.MapHealthChecks("/healthz/ready", new HealthCheckOptions
        {
            Predicate = static check => check.Tags.Contains(ReadyTag),
            ResponseWriter = ReadinessText.WriteAsync,
        }).ForEverybody();
        // For any method: what refuses the others would do so on every listener.
        operations.Map("/info", static (ModelRepository models, ServingState serving, SessionRegistry sessions) =>
            OperationsInfo.Of(models, serving, sessions)).For(Role.Observe);
        operations.MapPrometheusScrapingEndpoint("/metrics").For(Role.Observe);
        var web = app.MapGroup(string.Empty).WithMetadata(new ServedOn(Listener.Web));
        web.MapRest();
        web.MapInferenceRest();
        web.MapBrowserCalls();
        web.MapPage();
        return app;
    }
}
