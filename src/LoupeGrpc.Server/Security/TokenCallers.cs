using System.Net;
using LoupeGrpc.Server.Configuration;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace LoupeGrpc.Server.Security;

/// <summary>Callers with tokens of an OpenID provider. A token is looked at when a call begins.</summary>
internal static class TokenCallers
{
    /// <summary>Tokens with a key that is not known have the provider's keys fetched anew, and anybody can make such tokens.</summary>
    public static readonly TimeSpan AtLeastBetweenFetches = TimeSpan.FromSeconds(30);

    /// <summary>As long a key may count that the provider has withdrawn.</summary>
    public static readonly TimeSpan AtMostBetweenFetches = TimeSpan.FromMinutes(10);

    /// <summary>OpenID Connect Core 1.0, section 2.</summary>
    private const int LongestSubject = 255;

    /// <summary>A call waits so long for the provider.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="bearer">To be filled in.</param>
    public static void Configure(JwtBearerOptions bearer, SecurityOptions security)
    {
        bearer.Authority = security.Authority;
        bearer.MapInboundClaims = false;
        bearer.RefreshOnIssuerKeyNotFound = true;
        bearer.RefreshInterval = AtLeastBetweenFetches;
        bearer.AutomaticRefreshInterval = AtMostBetweenFetches;
        bearer.BackchannelTimeout = Patience;
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidAudience = security.Audience,
            ClockSkew = security.ClockSkew,
            NameClaimType = "sub",
        };
        if (security.AuthorityCertificate.Length > 0)
        {
            bearer.BackchannelHttpHandler = new SocketsHttpHandler
            {
                SslOptions = { CertificateChainPolicy = TlsCertificates.PolicyOf(TlsFiles.ReadAuthority("Loupe:Security:AuthorityCertificate", security.AuthorityCertificate)) },
            };
        }

        bearer.Events = new JwtBearerEvents
        {
            OnTokenValidated = context => AcceptAsync(context, security),
            OnAuthenticationFailed = FailAsync,
        };
    }

    /// <summary>Behind what the handler makes of it: what the provider says now holds, and not for an hour more what it said before.</summary>
    public static void Complete(JwtBearerOptions bearer)
    {
        if (bearer.ConfigurationManager is BaseConfigurationManager provider)
        {
            provider.UseLastKnownGoodConfiguration = false;
        }
    }

    private static Task AcceptAsync(TokenValidatedContext context, SecurityOptions security)
    {
        if (context.Principal?.FindFirst("sub")?.Value is not { Length: > 0 } subject)
        {
            return Refuse(context, "the token does not say whose it is (sub)");
        }

        if (subject.Length > LongestSubject)
        {
            return Refuse(context, $"the token's subject (sub) has {subject.Length} characters, and OpenID lets it have {LongestSubject}");
        }

        Role[] roles =
        [
            .. context.Principal.FindAll(security.RolesClaim)
                .SelectMany(static claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(Roles.Of).OfType<Role>().Distinct(),
        ];
        context.HttpContext.Features.Set(new Caller($"token:{subject}", roles));
        return Task.CompletedTask;
    }

    private static async Task FailAsync(AuthenticationFailedContext context)
    {
        // Without the provider's keys no signature can be checked, whosever it is.
        if (context.Exception is SecurityTokenSignatureKeyNotFoundException or SecurityTokenInvalidIssuerException
            && await WhyAwayAsync(context.Options.ConfigurationManager, context.HttpContext.RequestAborted).ConfigureAwait(false) is { } reason)
        {
            context.HttpContext.RequestServices.GetRequiredService<RefusalLog>().AddProviderAway(context.Options.Authority!, reason);
            await Refuse(context, "tokens cannot be checked now: the provider (Loupe:Security:Authority) does not answer", cannotTell: true).ConfigureAwait(false);
            return;
        }

        await Refuse(context, context.Exception switch
        {
            SecurityTokenExpiredException => "the token has expired",
            SecurityTokenNotYetValidException => "the token is not valid yet (Loupe:Security:ClockSkew)",
            SecurityTokenInvalidLifetimeException => "the token ends before it begins (exp, nbf)",
            SecurityTokenInvalidAudienceException => "the token is for somebody else (Loupe:Security:Audience)",
            SecurityTokenInvalidIssuerException => "the token is of another provider",
            SecurityTokenNoExpirationException => "the token does not say until when it is valid",
            SecurityTokenInvalidSignatureException => "the token is not signed by the provider",
            _ => "the token is not known here: it is neither a key nor a token of the provider",
        }).ConfigureAwait(false);
    }

    private static Task Refuse(ResultContext<JwtBearerOptions> context, string reason, bool cannotTell = false)
    {
        context.HttpContext.Features.Set(new CallerRefusal(reason, cannotTell ? RefusalKind.CannotTell : RefusalKind.Unknown));
        context.Fail(reason);
        return Task.CompletedTask;
    }

    /// <returns>Null: it is there.</returns>
    private static async Task<string?> WhyAwayAsync(IConfigurationManager<OpenIdConnectConfiguration>? provider, CancellationToken cancellationToken)
    {
        try
        {
            await provider!.GetConfigurationAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or HttpRequestException or OperationCanceledException)
        {
            return Explain(exception.GetBaseException());
        }
    }

    /// <summary>The library hides what an address is, and says nothing else of an answer that is an error.</summary>
    private static string Explain(Exception cause) => cause.Data[HttpDocumentRetriever.StatusCode] is HttpStatusCode status
        ? FormattableString.Invariant($"its discovery document, or its keys, are answered with status {(int)status}")
        : cause is OperationCanceledException ? FormattableString.Invariant($"nothing came within {Patience.TotalSeconds:0} s")
        : cause.Message;
}
