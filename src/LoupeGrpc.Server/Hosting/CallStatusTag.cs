using LoupeGrpc.Server.Contract;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Hosting;

/// <summary>Names the status of gRPC in the metrics of calls: HTTP's is 200 whatever became of one.</summary>
internal sealed class CallStatusTag(RequestDelegate next)
{
    private const string Name = "rpc.grpc.status_code";

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context).ConfigureAwait(false);
        if (GrpcHeaders.IsCall(context.Request) && context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
        {
            var trailers = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
            // Who has gone is told nothing.
            var status = $"{trailers?[GrpcHeaders.Status]}{context.Response.Headers[GrpcHeaders.Status]}";
            metrics.Tags.Add(new KeyValuePair<string, object?>(Name, status.Length > 0 ? status : "none"));
        }
    }
}
