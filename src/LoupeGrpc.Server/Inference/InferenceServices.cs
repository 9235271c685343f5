using System.Text.Json.Nodes;
using LoupeGrpc.Server.Security;

namespace LoupeGrpc.Server.Inference;

/// <summary>The Open Inference Protocol as services of the host, and where it is answered.</summary>
internal static class InferenceServices
{
    public static IServiceCollection AddInference(this IServiceCollection services)
    {
        services.AddSingleton<InferenceModels>();
        services.AddSingleton<InferenceStatistics>();
        services.AddSingleton<InferenceReadiness>();
        services.AddSingleton<Sequences>();
        services.AddSingleton<InferenceRunner>();
        services.AddSingleton<InferenceRest>();
        return services;
    }

    /// <param name="web">The listener's own group.</param>
    public static void MapInferenceRest(this RouteGroupBuilder web)
    {
        var health = web.MapGroup("/v2/health").ForEverybody();
        health.MapMethod("/live", HttpMethods.Get, static (_, http) => InferenceJson.WriteAsync(http, new JsonObject { ["live"] = true }));
        health.MapMethod("/ready", HttpMethods.Get, static (rest, http) => rest.AnswerReadyAsync(http));

        var rest = web.MapGroup("/v2").WithMetadata(new InferenceRefusals()).For(Role.Analyse);
        rest.MapMethod(string.Empty, HttpMethods.Get, static (_, http) => InferenceJson.WriteAsync(http, InferenceJson.Of(ServerFacts.Message)));
        rest.MapMethod("/models/stats", HttpMethods.Get, static (rest, http) => rest.AnswerStatisticsAsync(http));
        rest.MapMethod("/repository/index", HttpMethods.Post, static (rest, http) => rest.AnswerIndexAsync(http));
        foreach (var model in (string[])["/models/{name}", "/models/{name}/versions/{version}"])
        {
            rest.MapMethod(model, HttpMethods.Get, static (rest, http) => rest.AnswerModelAsync(http, static model => InferenceJson.Of(model.ToMetadata())));
            rest.MapMethod($"{model}/config", HttpMethods.Get, static (rest, http) => rest.AnswerModelAsync(http, static model => InferenceJson.Of(model.ToConfig())));
            rest.MapMethod($"{model}/ready", HttpMethods.Get, static (rest, http) => rest.AnswerModelReadyAsync(http));
            rest.MapMethod($"{model}/stats", HttpMethods.Get, static (rest, http) => rest.AnswerStatisticsAsync(http));
            rest.MapMethod($"{model}/infer", HttpMethods.Post, static (rest, http) => rest.InferAsync(http));
        }
    }

    /// <summary>For any method: the framework's own answer to other methods would be one on every listener.</summary>
    private static void MapMethod(this RouteGroupBuilder group, string path, string method, Func<InferenceRest, HttpContext, Task> answer) =>
        group.Map(path, (HttpContext http, InferenceRest rest) => rest.AnswerAsync(http, method, http => answer(rest, http)));

    /// <param name="grpc">The listener's own group.</param>
    public static void MapInferenceCalls(this RouteGroupBuilder grpc) => grpc.MapGrpcService<InferenceEndpoint>().For(Role.Analyse);
}
