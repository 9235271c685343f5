using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Logs;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Security;

/// <summary>Who is let in, as services of the host.</summary>
internal static class SecurityServices
{
    public static IServiceCollection AddLoupeSecurity(this IServiceCollection services, LoupeOptions options)
    {
        services.AddSingleton<IValidateOptions<LoupeOptions>, SecurityValidation>();
        services.AddSingleton<RefusalLog>();
        services.AddSingleton<KeyRing>();
        services.AddSingleton<CallerQuotas>();
        services.AddSingleton<TlsCertificates>();
        services.AddSingleton<IReloadable>(static provider => provider.GetRequiredService<KeyRing>());
        services.AddSingleton<IReloadable>(static provider => provider.GetRequiredService<TlsCertificates>());
        services.AddSingleton<FileReload>();
        services.AddHostedService(static provider => provider.GetRequiredService<FileReload>());

        var hasTokens = options.Security.Authority.Length > 0;
        var authentication = services.AddAuthentication(CallerHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, CallerHandler>(CallerHandler.SchemeName, scheme => scheme.ForwardDefaultSelector =
                context => hasTokens && IsToken(BearerToken.Of(context.Request)) ? JwtBearerDefaults.AuthenticationScheme : null);
        if (hasTokens)
        {
            authentication.AddJwtBearer(bearer => TokenCallers.Configure(bearer, options.Security));
            services.PostConfigure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, TokenCallers.Complete);
        }

        RemoveDataProtection(services);
        services.AddSingleton<IAuthorizationHandler, RoleRuleHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusalAnswers>();
        services.AddAuthorization(static authorization =>
        {
            foreach (var role in Enum.GetValues<Role>())
            {
                authorization.AddPolicy(RoleRuleConventions.PolicyOf(role), policy => policy.AddRequirements(new RoleRule(role)));
            }

            authorization.FallbackPolicy = new AuthorizationPolicyBuilder().AddRequirements(new NoRule()).Build();
        });
        return services;
    }

    /// <summary>Reads keys and certificates before anybody is let in, and says what an operator should know of that.</summary>
    /// <exception cref="InvalidDataException">A file cannot be used.</exception>
    public static void LoadLoupeSecurity(this IServiceProvider services)
    {
        var options = services.GetRequiredService<LoupeOptions>();
        if (options.Security.Keys.Length > 0)
        {
            services.GetRequiredService<KeyRing>().Load();
        }

        services.GetRequiredService<TlsCertificates>().Load();
        services.GetRequiredService<AuditLog>().Open();
        var logger = services.GetRequiredService<ILogger<KeyRing>>();
        WarnOfFiles(options, logger);
        if (UnusedTls(options) is { Length: > 0 } unused)
        {
            SecurityLog.TlsUnused(logger, unused);
        }

        (string Setting, ListenUrl Url)[] endpoints =
        [
            ("Loupe:Endpoints:Grpc", options.Endpoints.Grpc), ("Loupe:Endpoints:Operations", options.Endpoints.Operations), ("Loupe:Endpoints:Web", options.Endpoints.Web),
        ];
        foreach (var (setting, url) in endpoints.Where(static endpoint => !endpoint.Url.IsLocal))
        {
            var address = url.ToString();
            SecurityLog.ReachedByOthers(logger, setting, address);
            if (options.Security.Open)
            {
                SecurityLog.OpenToStrangers(logger, address);
            }

            if (!url.IsTls && AuthenticationMethods.HaveBearer(options.Security))
            {
                SecurityLog.KeysInTheClear(logger, address);
            }
        }
    }

    private static void WarnOfFiles(LoupeOptions options, ILogger logger)
    {
        var tls = options.Tls;
        (string Setting, string File, bool IsSecret)[] files =
        [
            ("Loupe:Security:Keys", options.Security.Keys, false), ("Loupe:Tls:Certificate", tls.Certificate, tls.Key.Length == 0),
            ("Loupe:Tls:Key", tls.Key, true), ("Loupe:Tls:ClientAuthority", tls.ClientAuthority, false),
            ("Loupe:Security:AuthorityCertificate", options.Security.AuthorityCertificate, false),
        ];
        foreach (var (setting, file, isSecret) in files)
        {
            if (file.Length > 0 && FileGuard.Concern(file, isSecret) is { } concern)
            {
                SecurityLog.FileOpenToOthers(logger, setting, file, concern);
            }
        }
    }

    /// <summary>Settings that somebody has written who thinks that TLS is spoken, where it is not.</summary>
    private static string UnusedTls(LoupeOptions options)
    {
        if (new[] { options.Endpoints.Grpc, options.Endpoints.Operations, options.Endpoints.Web }.Any(static url => url.IsTls))
        {
            return string.Empty;
        }

        var tls = options.Tls;
        (string Name, bool IsSet)[] settings =
        [
            ("Loupe:Tls:Certificate", tls.Certificate.Length > 0), ("Loupe:Tls:Key", tls.Key.Length > 0), ("Loupe:Tls:Password", tls.Password.Length > 0),
            ("Loupe:Tls:ClientCertificates", tls.ClientCertificates != ClientCertificatePolicy.None), ("Loupe:Tls:ClientAuthority", tls.ClientAuthority.Length > 0),
        ];
        return string.Join(", ", settings.Where(static setting => setting.IsSet).Select(static setting => setting.Name));
    }

    /// <summary>It comes with authentication, for cookies, of which there are none here; at its start it would write a key below the home directory.</summary>
    private static void RemoveDataProtection(IServiceCollection services)
    {
        var starting = services.Single(static service => service.ServiceType == typeof(IHostedService)
            && service.ImplementationType?.Assembly == typeof(DataProtectionOptions).Assembly);
        services.Remove(starting);
    }

    private static bool IsToken(string? sent) => sent is { Length: > 0 } && !sent.StartsWith(AccessKey.Prefix, StringComparison.Ordinal);
}
