using LoupeGrpc.Engine;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What the server tells of itself by OpenTelemetry: metrics to whoever asks, and traces, metrics and logs to a collector where one is set.</summary>
internal static class TelemetryServices
{
    private const string EngineMeter = "LoupeGrpc.Engine";

    /// <summary>Calls: their routes, so that each RPC stands by itself, and how they ended.</summary>
    private const string CallMeter = "Microsoft.AspNetCore.Hosting";

    private const string ConnectionMeter = "Microsoft.AspNetCore.Server.Kestrel";

    /// <summary>Processor time, memory and collections of the process.</summary>
    private const string ProcessMeter = "System.Runtime";

    /// <summary>Of one instrument: routes times ways to end are some dozens. Their memory is taken at once, 72 bytes each, for some sixty instruments.</summary>
    private const int MaxSeries = 400;

    private const string CallSource = "Microsoft.AspNetCore";

    public static void AddLoupeTelemetry(this IServiceCollection services, TelemetryOptions options)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(static resource => Describe(resource))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(SessionMetrics.MeterName, LadderMetrics.MeterName, EngineMeter, CallMeter, ConnectionMeter, ProcessMeter)
                    .AddView(static _ => new MetricStreamConfiguration { CardinalityLimit = MaxSeries })
                    .AddPrometheusExporter();
                if (IsOn(options))
                {
                    metrics.SetExemplarFilter(ExemplarFilterType.TraceBased).AddOtlpExporter(otlp => Set(otlp, options, "metrics"));
                }
            });
        if (IsOn(options))
        {
            services.AddSingleton<TelemetryFaults>();
            telemetry.WithTracing(traces => traces
                .AddSource(CallSource, FrameSpan.SourceName)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.SampledCalls)))
                .AddOtlpExporter(otlp => Set(otlp, options, "traces")));
        }
    }

    /// <summary>Log lines go to the collector too.</summary>
    public static void AddLoupeTelemetry(this ILoggingBuilder logging, TelemetryOptions options)
    {
        if (IsOn(options))
        {
            logging.AddOpenTelemetry(logs =>
            {
                logs.IncludeFormattedMessage = true;
                logs.SetResourceBuilder(Describe(ResourceBuilder.CreateDefault())).AddOtlpExporter(otlp => Set(otlp, options, "logs"));
            });
        }
    }

    private static bool IsOn(TelemetryOptions options) => options.Endpoint.Length > 0;

    private static ResourceBuilder Describe(ResourceBuilder resource) => resource.AddService("loupe-grpc-server", serviceVersion: ProductVersion.Version);

    private static void Set(OtlpExporterOptions otlp, TelemetryOptions options, string signal)
    {
        var address = options.Endpoint.TrimEnd('/');
        // Set in code, the address is taken as it stands; over HTTP each signal has a path of its own.
        (otlp.Protocol, otlp.Endpoint) = options.Protocol == OtlpProtocol.Http
            ? (OtlpExportProtocol.HttpProtobuf, new Uri($"{address}/v1/{signal}"))
            : (OtlpExportProtocol.Grpc, new Uri(address));
        if (options.Headers.Length > 0)
        {
            otlp.Headers = options.Headers;
        }
    }
}
