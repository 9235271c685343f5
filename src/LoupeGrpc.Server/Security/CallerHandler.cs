using System.Security.Claims;
using System.Text.Encodings.Web;
using LoupeGrpc.Server.Configuration;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Security;

/// <summary>
/// Finds out who calls: by the key that is sent along, by the certificate of the connection, by the user at the other end of its socket. What is sent along
/// wins. Tokens are another handler's business.
/// </summary>
internal sealed class CallerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> monitor, ILoggerFactory loggers, UrlEncoder encoder, LoupeOptions options, KeyRing keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(monitor, loggers, encoder)
{
    public const string SchemeName = "Loupe";

    private const int LongestSubject = 1024;

    private static readonly Role[] Everything = [Role.Analyse, Role.Observe, Role.Admin];
    private static readonly Role[] OfStrangers = [Role.Analyse, Role.Observe];

    /// <summary>Takes a caller as the one that makes a request.</summary>
    public static AuthenticateResult Accept(HttpContext context, Caller caller, string scheme)
    {
        context.Features.Set(caller);
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, caller.Owner)], scheme);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), scheme));
    }

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    private AuthenticateResult Authenticate()
    {
        if (!AuthenticationMethods.HaveAny(options))
        {
            return Context.Features.Get<CallerRefusal>() is { } refusal ? AuthenticateResult.Fail(refusal.Reason) : Accept(Caller.Nobody with { Roles = Everything });
        }

        if (BearerToken.Of(Request) is { } sent)
        {
            return !AuthenticationMethods.HaveBearer(options.Security) ? Refuse("this server takes neither keys nor tokens")
                : keys.Find(sent) is { } held ? Accept(held.Caller)
                : Refuse("the key is not known here, or was revoked");
        }

        // The handshake has looked at it.
        if (Context.Connection.ClientCertificate is { } certificate)
        {
            // It stands in logs, in the audit log and in records.
            if (certificate.Subject.Length > LongestSubject)
            {
                return Refuse($"the certificate's subject has {certificate.Subject.Length} characters, and {LongestSubject} are taken");
            }

            // All certificates without a subject would be one and the same identity, and one another's sessions theirs.
            return certificate.Subject.Length == 0 ? Refuse("the certificate has an empty subject, so it identifies nobody") : Accept(Known($"certificate:{certificate.Subject}"));
        }

        if (options.Security.PeerCredentials && Context.Features.Get<PeerUser>() is { } user)
        {
            return Accept(Known($"user:{user.Id}"));
        }

        return options.Security.Open ? Accept(Caller.Nobody with { Roles = OfStrangers }) : AuthenticateResult.NoResult();
    }

    private AuthenticateResult Refuse(string reason)
    {
        // The middleware keeps results only of those whom it lets in.
        Context.Features.Set(new CallerRefusal(reason));
        return AuthenticateResult.Fail(reason);
    }

    private AuthenticateResult Accept(Caller caller) => Accept(Context, caller, SchemeName);

    private Caller Known(string owner) => new(
        owner, [Roles.Of(options.Security.Identities.FirstOrDefault(identity => identity.Name == owner)?.Role) ?? Role.Analyse]);
}

/// <summary>What clients send as <c>authorization: Bearer …</c>.</summary>
internal static class BearerToken
{
    private const string Prefix = "Bearer ";

    /// <returns>Null: nothing is sent. Something of another kind is as wrong as a key that nobody knows.</returns>
    public static string? Of(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        return header.Count == 0 ? null
            : header is [{ } only] && only.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? only[Prefix.Length..].Trim()
            : string.Empty;
    }
}
