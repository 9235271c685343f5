using System.Globalization;
using System.Text.Json.Nodes;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.Server.Web;

namespace LoupeGrpc.Server.Inference;

/// <summary>The Open Inference Protocol over plain HTTP, <c>/v2</c>: JSON, with the tensors behind it where they are binary.</summary>
internal sealed class InferenceRest(
    InferenceRunner runner, InferenceModels models, InferenceStatistics statistics, InferenceReadiness readiness, MessageRoom room, BodyRequests requests, LiveOptions live, TimeProvider time)
{
    /// <summary>Says how many bytes of a body are JSON; 0: the body is one picture. Without it: all.</summary>
    private const string HeaderLength = "Inference-Header-Content-Length";

    /// <param name="method">That is answered.</param>
    public Task AnswerAsync(HttpContext http, string method, Func<HttpContext, Task> answer) => requests.AnswerAsync(
        http,
        async http =>
        {
            if (http.Request.Method != method)
            {
                http.Response.Headers.Allow = method;
                throw new ProblemException(new Problem(StatusCodes.Status405MethodNotAllowed, "UNSUPPORTED", $"{http.Request.Method} is not answered here: {method} is"));
            }

            try
            {
                await answer(http).ConfigureAwait(false);
            }
            catch (InferenceException exception)
            {
                throw new ProblemException(exception.IsNotFound ? new Problem(StatusCodes.Status404NotFound, "NOT_FOUND", exception.Message) : Problem.Of(exception.Failure.Failure));
            }
        },
        InferenceRefusals.AnswerAsync);

    public Task AnswerReadyAsync(HttpContext http) => AnswerReadyAsync(http, []);

    public Task AnswerModelReadyAsync(HttpContext http)
    {
        var (name, version) = Asked(http);
        return AnswerReadyAsync(http, new JsonObject { ["name"] = models.Find(name, version).Name });
    }

    public Task AnswerIndexAsync(HttpContext http) =>
        InferenceJson.WriteAsync(http, new JsonArray([.. models.List().Select(static model => InferenceJson.Of(model.ToIndex()))]));

    public Task AnswerModelAsync(HttpContext http, Func<ModelStatus, JsonNode> answer)
    {
        var (name, version) = Asked(http);
        return InferenceJson.WriteAsync(http, answer(models.Find(name, version)));
    }

    public Task AnswerStatisticsAsync(HttpContext http)
    {
        var (name, version) = Asked(http);
        return InferenceJson.WriteAsync(http, InferenceJson.Of((name.Length == 0 ? models.List() : [models.Find(name, version)]).Select(model => model.ToStatistics(statistics))));
    }

    public async Task InferAsync(HttpContext http)
    {
        var (name, version) = Asked(http);
        var model = models.Find(name, version);
        var thresholds = live.Current.Thresholds.For(model.Analyzer.Model.Calibration?.Thresholds);
        if (http.Request.Headers.ContentEncoding is { Count: > 0 } encoding && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProblemException(Problem.Unsupported($"the body is encoded ({encoding}): send it as it is"));
        }

        using var body = new PictureBody(http, room, BodyLimit.OfMessage(live.Current), isOnePicture: false, live.Current, time);
        var content = await body.ReadAsync(http.Request.Body, http.Request.ContentLength).ConfigureAwait(false);
        var request = JsonLength(http.Request, content.Length) is not 0 and var length
            ? JsonTensors.Read(content[..length], content[length..], model.Name, version, live.Current, thresholds)
            : JsonTensors.OfPicture(content, model.Name, version, thresholds);
        var answer = await runner.RunAsync(request.Call, InferenceClient.Of(http), body.Release, http.RequestAborted).ConfigureAwait(false);
        var (written, json) = InferenceJson.Write(answer, request.BinaryOutputs);
        if (json < written.Length)
        {
            http.Response.Headers[HeaderLength] = json.ToString(CultureInfo.InvariantCulture);
        }

        http.Response.ContentType = json < written.Length ? "application/octet-stream" : InferenceJson.ContentType;
        http.Response.ContentLength = written.Length;
        await PatientAnswer.WriteAsync(http, written, live.Current, time).ConfigureAwait(false);
    }

    /// <summary>Clients look at the status alone.</summary>
    private Task AnswerReadyAsync(HttpContext http, JsonObject answer)
    {
        var ready = readiness.IsReady;
        http.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        answer["ready"] = ready;
        return InferenceJson.WriteAsync(http, answer);
    }

    private static (string Name, string Version) Asked(HttpContext http) =>
        (http.GetRouteValue("name") as string ?? string.Empty, http.GetRouteValue("version") as string ?? string.Empty);

    private static int JsonLength(HttpRequest request, int length)
    {
        var header = request.Headers[HeaderLength];
        return header.Count == 0 ? length > 0 ? length : throw InferenceException.Invalid("the body is empty: expected the JSON of a request")
            : int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var json) && json <= length ? json
            : throw InferenceException.Invalid($"{HeaderLength} is '{ShownText.Of(header.ToString())}', and the body has {length} bytes");
    }
}

/// <summary>Problems by the protocol's words: <c>{"error": "…"}</c>.</summary>
internal sealed class InferenceRefusals : IRefusalForm
{
    public static Task AnswerAsync(HttpContext http, Problem problem)
    {
        http.Response.StatusCode = problem.Status;
        problem.AskToRetry(http.Response);
        return InferenceJson.WriteAsync(http, new JsonObject { ["error"] = problem.Detail });
    }

    public Task AnswerAsync(HttpContext context, int status, string reason) => AnswerAsync(context, new Problem(status, string.Empty, reason));
}
