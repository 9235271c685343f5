using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace LoupeGrpc.Server.Security;

/// <summary>Tells those who are not let in why: with a status of gRPC where they speak it, else with one of HTTP.</summary>
internal sealed class RefusalAnswers(RefusalLog log) : IAuthorizationMiddlewareResultHandler
{
    private const int PermissionDenied = 7;
    private const int Unavailable = 14;
    private const int Unauthenticated = 16;

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            return next(context);
        }

        var caller = Caller.Of(context);
        var (grpc, http, reason) = context.Features.Get<CallerRefusal>() switch
        {
            { CannotTell: true } refusal => (Unavailable, StatusCodes.Status503ServiceUnavailable, refusal.Reason),
            { } refusal => (Unauthenticated, StatusCodes.Status401Unauthorized, refusal.Reason),
            _ when context.Features.Get<Caller>() is not null => (PermissionDenied, StatusCodes.Status403Forbidden, Missing(caller, policy)),
            _ => (Unauthenticated, StatusCodes.Status401Unauthorized, "this server wants to know who calls: send a key or a token as 'authorization: Bearer …', or show a certificate"),
        };
        log.Add($"{context.Connection.RemoteIpAddress?.ToString() ?? "a socket"} ({caller.Name}, {context.Request.Path})", reason);
        return context.GetEndpoint()?.Metadata.GetMetadata<IRefusalForm>() is { } form ? AnswerInFormAsync(form, context, http, reason)
            : IsGrpc(context.Request) ? AnswerGrpc(context.Response, grpc, reason)
            : AnswerHttpAsync(context.Response, http, reason);
    }

    private static Task AnswerInFormAsync(IRefusalForm form, HttpContext context, int status, string reason)
    {
        AskForIdentity(context.Response, status);
        return form.AnswerAsync(context, status, reason);
    }

    private static string Missing(Caller caller, AuthorizationPolicy policy)
    {
        var has = caller.Roles.Count == 0 ? "no role" : $"the role {string.Join(", ", caller.Roles.Select(static role => role.Word()))}";
        return policy.Requirements.OfType<RoleRule>().FirstOrDefault() is { Role: var needed }
            ? $"{caller.Name} has {has}, and this needs {needed.Word()}"
            : "nobody may have this";
    }

    private static bool IsGrpc(HttpRequest request) => request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>The status in the headers, and nothing behind them.</summary>
    private static Task AnswerGrpc(HttpResponse response, int status, string message)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = status.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Encode(message);
        return Task.CompletedTask;
    }

    private static Task AnswerHttpAsync(HttpResponse response, int status, string message)
    {
        response.StatusCode = status;
        response.ContentType = "text/plain; charset=utf-8";
        AskForIdentity(response, status);
        return response.WriteAsync($"{message}\n");
    }

    private static void AskForIdentity(HttpResponse response, int status)
    {
        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }
    }

    /// <summary>As gRPC wants it: whatever is not plain ASCII, percent-encoded in UTF-8.</summary>
    private static string Encode(string message)
    {
        var encoded = new StringBuilder();
        foreach (var letter in Encoding.UTF8.GetBytes(message))
        {
            _ = letter is >= 0x20 and <= 0x7e and not (byte)'%' ? encoded.Append((char)letter) : encoded.Append(CultureInfo.InvariantCulture, $"%{letter:X2}");
        }

        return encoded.ToString();
    }
}

/// <summary>How an endpoint tells those who are not let in, in its metadata; without one it is plain text.</summary>
internal interface IRefusalForm
{
    Task AnswerAsync(HttpContext context, int status, string reason);
}
