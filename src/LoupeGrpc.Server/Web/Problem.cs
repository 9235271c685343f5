using LoupeGrpc.Engine;
using LoupeGrpc.Server.Security;
using Microsoft.AspNetCore.WebUtilities;

namespace LoupeGrpc.Server.Web;

/// <summary>Why a request has no result, as problem details (RFC 9457): <c>detail</c> names the setting to change, <c>code</c> is the word of the contract.</summary>
internal sealed record Problem(int Status, string Code, string Detail)
{
    /// <summary>Seconds after which another try makes sense.</summary>
    private const string RetryAfter = "1";

    public static Problem Of(FrameFailure failure) => failure.Kind switch
    {
        FailureKind.Invalid => Invalid(failure.Message),
        FailureKind.TooLarge => new(StatusCodes.Status413PayloadTooLarge, "TOO_LARGE", failure.Message),
        FailureKind.Unsupported => Unsupported(failure.Message),
        FailureKind.Overloaded => new(StatusCodes.Status503ServiceUnavailable, "OVERLOADED", failure.Message),
        FailureKind.Expired => new(StatusCodes.Status504GatewayTimeout, "EXPIRED", failure.Message),
        // A caller that gave up hears nothing any more: whoever hears this has a server that is stopping.
        FailureKind.Canceled => new(StatusCodes.Status503ServiceUnavailable, "CANCELED", failure.Message),
        FailureKind.ModelFault => new(StatusCodes.Status500InternalServerError, "MODEL_FAULT", failure.Message),
        _ => new(StatusCodes.Status500InternalServerError, "INTERNAL", failure.Message),
    };

    public static Problem Invalid(string detail) => new(StatusCodes.Status400BadRequest, "INVALID", detail);

    public static Problem Unsupported(string detail) => new(StatusCodes.Status415UnsupportedMediaType, "UNSUPPORTED", detail);

    /// <summary>Where another try makes sense.</summary>
    public void AskToRetry(HttpResponse response)
    {
        if (Status == StatusCodes.Status503ServiceUnavailable)
        {
            response.Headers.RetryAfter = RetryAfter;
        }
    }

    public Task WriteAsync(HttpContext http)
    {
        AskToRetry(http.Response);
        return TypedResults.Problem(
            Detail, statusCode: Status, title: ReasonPhrases.GetReasonPhrase(Status), type: "about:blank", extensions: [new("code", Code)]).ExecuteAsync(http);
    }
}

/// <summary>Ends a request with a problem.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem => problem;

    /// <summary>Whether a read of the body was given up.</summary>
    public bool IsUnfinished { get; init; }
}

/// <summary>Those who are not let in are told so in the same form.</summary>
internal sealed class ProblemRefusals : IRefusalForm
{
    public Task AnswerAsync(HttpContext context, int status, string reason) => new Problem(status, status switch
    {
        StatusCodes.Status401Unauthorized => "UNAUTHENTICATED",
        StatusCodes.Status403Forbidden => "PERMISSION_DENIED",
        _ => "UNAVAILABLE",
    }, reason).WriteAsync(context);
}
