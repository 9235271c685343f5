using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions.Memory;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace LoupeGrpc.Server.Hosting;

/// <summary>Has the messages of gRPC calls charged while they are received.</summary>
internal sealed class MessageMeter(RequestDelegate next, MessageRoom room)
{
    public Task InvokeAsync(HttpContext context) =>
        GrpcHeaders.IsCall(context.Request) ? MeterAsync(context) : next(context);

    private async Task MeterAsync(HttpContext context)
    {
        var large = room.LargeOf(context.Features.GetRequiredFeature<IConnectionItemsFeature>().Items);
        using var body = new MeteredBody(context.Request.BodyReader, room, large, context.RequestAborted);
        context.Features.Set<IRequestBodyPipeFeature>(body);
        context.Features.Set<IReceivedMessage>(body);
        await next(context).ConfigureAwait(false);
    }
}
