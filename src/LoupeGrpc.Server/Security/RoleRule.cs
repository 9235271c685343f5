using Microsoft.AspNetCore.Authorization;

namespace LoupeGrpc.Server.Security;

/// <summary>An endpoint is for those who have a role.</summary>
internal sealed record RoleRule(Role Role) : IAuthorizationRequirement;

/// <summary>An endpoint has no rule: it is for nobody. Where there is no endpoint there is nothing to forbid.</summary>
internal sealed record NoRule : IAuthorizationRequirement;

internal sealed class RoleRuleHandler : IAuthorizationHandler
{
    public Task HandleAsync(AuthorizationHandlerContext context)
    {
        if (context.Resource is HttpContext http)
        {
            var caller = Caller.Of(http);
            foreach (var requirement in context.PendingRequirements.ToList())
            {
                if (requirement switch
                {
                    RoleRule rule => caller.Roles.Allow(rule.Role),
                    NoRule => http.GetEndpoint() is null,
                    _ => false,
                })
                {
                    context.Succeed(requirement);
                }
            }
        }

        return Task.CompletedTask;
    }
}

internal static class RoleRuleConventions
{
    /// <summary>The name of the policy of a role.</summary>
    public static string PolicyOf(Role role) => role.Word();

    /// <summary>Only for those who have the role, or are administrators.</summary>
    public static TBuilder For<TBuilder>(this TBuilder endpoints, Role role)
        where TBuilder : IEndpointConventionBuilder => endpoints.RequireAuthorization(PolicyOf(role));

    /// <summary>For everybody who reaches it.</summary>
    public static TBuilder ForEverybody<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.AllowAnonymous();
}
