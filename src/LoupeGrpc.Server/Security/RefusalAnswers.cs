using Grpc.Core;
using LoupeGrpc.Server.Contract;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace LoupeGrpc.Server.Security;

/// <summary>Tells those who are not let in why: with a status of gRPC where they speak it, else with one of HTTP.</summary>
internal sealed class RefusalAnswers(RefusalLog log) : IAuthorizationMiddlewareResultHandler
{
    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            return next(context);
        }

        var caller = Caller.Of(context);
        var (grpc, http, reason) = context.Features.Get<CallerRefusal>() switch
        {
            { Kind: RefusalKind.CannotTell } refusal => (StatusCode.Unavailable, StatusCodes.Status503ServiceUnavailable, refusal.Reason),
            { Kind: RefusalKind.WrongHost } refusal => (StatusCode.PermissionDenied, StatusCodes.Status403Forbidden, refusal.Reason),
            { } refusal => (StatusCode.Unauthenticated, StatusCodes.Status401Unauthorized, refusal.Reason),
            _ when context.Features.Get<Caller>() is not null => (StatusCode.PermissionDenied, StatusCodes.Status403Forbidden, Missing(caller, policy)),
            _ => (StatusCode.Unauthenticated, StatusCodes.Status401Unauthorized, "this server wants to know who calls: send a key or a token as 'authorization: Bearer …', or show a certificate"),
        };
        log.Add(context.Connection.RemoteIpAddress?.ToString() ?? "a socket", caller, context.Request.Path, reason);
        return context.GetEndpoint()?.Metadata.GetMetadata<IRefusalForm>() is { } form ? AnswerInFormAsync(form, context, http, reason)
            : GrpcHeaders.IsCall(context.Request) ? AnswerGrpc(context.Response, grpc, reason)
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
            : "access denied";
    }

    private static Task AnswerGrpc(HttpResponse response, StatusCode status, string message)
    {
        GrpcHeaders.AnswerAtOnce(response, status, message);
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
}

/// <summary>How an endpoint tells those who are not let in, in its metadata; without one it is plain text.</summary>
internal interface IRefusalForm
{
    Task AnswerAsync(HttpContext context, int status, string reason);
}
