using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Security;

/// <summary>What is wrong with who may come in, and with whom the server itself believes: of a server that will listen, files and all.</summary>
internal sealed class SecurityValidation : IValidateOptions<LoupeOptions>
{
    private const string Certificates = "certificate:";
    private const string Users = "user:";

    public ValidateOptionsResult Validate(string? name, LoupeOptions options)
    {
        string[] errors = [.. EndpointErrors(options), .. TlsErrors(options.Tls), .. KeyErrors(options.Security), .. TokenErrors(options.Security), .. IdentityErrors(options.Security), .. ReceiptErrors(options.Receipts), .. ProvenanceErrors(options.Provenance), .. StoreErrors(options.Sessions)];
        return errors.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors.Select(static error => $"{error}."));
    }

    private static IEnumerable<string> EndpointErrors(LoupeOptions options)
    {
        (string Name, ListenUrl Url)[] endpoints =
        [
            ("Loupe:Endpoints:Grpc", options.Endpoints.Grpc), ("Loupe:Endpoints:Operations", options.Endpoints.Operations), ("Loupe:Endpoints:Web", options.Endpoints.Web),
        ];
        foreach (var (setting, url) in endpoints)
        {
            if (url.IsTls && options.Tls.Certificate.Length == 0)
            {
                yield return $"{setting} is {url}, which needs a certificate: Loupe:Tls:Certificate";
            }

            if (!url.IsLocal && !options.Security.Open && !AuthenticationMethods.HaveAnyOn(url, options))
            {
                yield return $"{setting} is {url}, which others than this machine reach, and nobody would be asked who they are. Choose: {AuthenticationMethods.All}";
            }
        }

        // Calls of one message, SessionAdminService's among them, are answered for browsers too.
        foreach (var url in new[] { options.Endpoints.Grpc, options.Endpoints.Web })
        {
            if (options.Admin.Enabled && !AuthenticationMethods.HaveAny(options) && !url.IsLocal)
            {
                yield return $"Loupe:Admin:Enabled is true, and everybody who reaches {url} could end sessions: that needs keys, tokens or client certificates";
            }
        }
    }

    private static IEnumerable<string> TlsErrors(TlsOptions tls)
    {
        if (tls.Certificate.Length > 0 && Problem(() => TlsFiles.ReadCertificate(tls)) is { } certificate)
        {
            yield return certificate;
        }

        if (tls.ClientAuthority.Length > 0 && Problem(() => TlsFiles.ReadAuthority("Loupe:Tls:ClientAuthority", tls.ClientAuthority)) is { } authority)
        {
            yield return authority;
        }

        if (tls.ClientCertificates != ClientCertificatePolicy.None && tls.ClientAuthority.Length == 0)
        {
            yield return $"Loupe:Tls:ClientCertificates is {tls.ClientCertificates.ToString().ToLowerInvariant()}, which needs whom to believe: Loupe:Tls:ClientAuthority";
        }
    }

    private static IEnumerable<string> KeyErrors(SecurityOptions security)
    {
        if (security.Keys.Length > 0 && Problem(() => KeyFile.Read(security.Keys)) is { } problem)
        {
            yield return $"Loupe:Security:Keys: {problem}";
        }
    }

    private static IEnumerable<string> ReceiptErrors(ReceiptOptions receipts)
    {
        if (receipts.AreSigned && Problem(() => ReceiptKeyFile.Read(receipts.Key).Dispose()) is { } problem)
        {
            yield return $"Loupe:Receipts:Key: {problem}";
        }
    }

    private static IEnumerable<string> ProvenanceErrors(ProvenanceOptions provenance)
    {
        if (Problem(() => provenance.ReadTrustList()) is { } problem)
        {
            yield return $"Loupe:Provenance:TrustList: {problem}";
        }
    }

    private static IEnumerable<string> TokenErrors(SecurityOptions security)
    {
        if (security.Authority.Length > 0 && (!Uri.TryCreate(security.Authority, UriKind.Absolute, out var authority) || authority.Scheme != Uri.UriSchemeHttps))
        {
            yield return $"Loupe:Security:Authority is '{security.Authority}': expected https://…, where the provider's discovery document is found";
        }

        if (security.Authority.Length > 0 && security.Audience.Length == 0)
        {
            yield return "Loupe:Security:Audience is empty: without it every token of the provider would do, whomever it was made for";
        }

        if (security.Authority.Length == 0 && security.Audience.Length > 0)
        {
            yield return "Loupe:Security:Audience is set, and Loupe:Security:Authority is not";
        }

        if (security.AuthorityCertificate.Length > 0
            && Problem(() => TlsFiles.ReadAuthority("Loupe:Security:AuthorityCertificate", security.AuthorityCertificate)) is { } problem)
        {
            yield return problem;
        }
    }

    private static IEnumerable<string> IdentityErrors(SecurityOptions security)
    {
        foreach (var (index, identity) in security.Identities.Index())
        {
            if (!(identity.Name.StartsWith(Certificates, StringComparison.Ordinal) && identity.Name.Length > Certificates.Length)
                && !(identity.Name.StartsWith(Users, StringComparison.Ordinal) && uint.TryParse(identity.Name.AsSpan(Users.Length), out _)))
            {
                yield return $"Loupe:Security:Identities:{index}:Name is '{identity.Name}': expected certificate:SUBJECT or user:UID";
            }
        }

        if (security.Identities.DistinctBy(static identity => identity.Name).Count() < security.Identities.Count)
        {
            yield return "Loupe:Security:Identities has one name twice";
        }
    }

    private static IEnumerable<string> StoreErrors(Configuration.SessionOptions sessions)
    {
        if (sessions.StoreAuthority.Length > 0 && Problem(() => TlsFiles.ReadAuthority("Loupe:Sessions:StoreAuthority", sessions.StoreAuthority)) is { } problem)
        {
            yield return problem;
        }
    }

    private static string? Problem(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (InvalidDataException exception)
        {
            return exception.Message;
        }
    }
}
