using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Web;

/// <summary>What is answered over plain HTTP.</summary>
internal static class RestEndpoints
{
    /// <param name="web">The listener's own group.</param>
    public static void MapRest(this RouteGroupBuilder web)
    {
        var rest = web.MapGroup("/v1").WithMetadata(new ProblemRefusals()).For(Role.Analyse);
        rest.MapPost("/analyze", static (HttpContext http, AnalyzeEndpoint endpoint) => endpoint.AnswerAsync(http)).WithName(ApiDocument.Analyze);
        rest.MapGet("/info", static (HttpRequest request, SessionServices services, SessionRegistry sessions, ServingState serving) => TypedResults.Text(
            ServerInfoMessages.ToJson($"{request.Scheme}://{request.Host}", services, sessions.Connected, serving.ReadySince, serving.Startup), "application/json")).WithName(ApiDocument.Info);
        // For any method: HTTP/2 has another for WebSockets.
        rest.Map("/stream", static (HttpContext http, StreamEndpoint endpoint) => endpoint.AnswerAsync(http));
        // The framework's own answer to other methods would be one on every listener.
        rest.MapOther("/analyze", HttpMethods.Post);
        rest.MapOther("/info", HttpMethods.Get);
        var operations = web.MapGroup("/v1").WithMetadata(new ProblemRefusals()).For(Role.Observe);
        operations.MapGet("/operations", static (
            ModelRepository models, ServingState serving, SessionRegistry sessions, FrameScheduler scheduler, MemoryLedger ledger, AdaptationBudget adaptation, LiveOptions live, TimeProvider time) =>
            TypedResults.Json(OperationsView.Of(models, serving, sessions, scheduler, ledger, adaptation, live, time), OperationsJson.Default.OperationsView)).WithName(ApiDocument.Operations);
        operations.MapOther("/operations", HttpMethods.Get);
        web.Map("/openapi.json", ApiDocument.AnswerAsync).ForEverybody();
    }

    private static void MapOther(this RouteGroupBuilder rest, string path, string allowed) => rest.Map(path, (HttpContext http) =>
    {
        http.Response.Headers.Allow = allowed;
        return new Problem(StatusCodes.Status405MethodNotAllowed, "UNSUPPORTED", $"{http.Request.Method} is not answered here: {allowed} is").WriteAsync(http);
    });
}
