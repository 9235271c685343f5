using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Security;

/// <summary>By what ways people and programs can show who they are.</summary>
internal static class AuthenticationMethods
{
    /// <summary>For a message.</summary>
    public const string All = "keys (Loupe:Security:Keys, a file that 'loupe-grpc-server key add' writes), client certificates over https:// "
        + "(Loupe:Tls:ClientCertificates and Loupe:Tls:ClientAuthority), tokens of an OpenID provider (Loupe:Security:Authority and Loupe:Security:Audience), "
        + "or --open (Loupe:Security:Open=true), which lets everybody in";

    /// <summary>Whether there is any. Without one everybody has every role.</summary>
    public static bool HaveAny(LoupeOptions options) =>
        HaveBearer(options.Security) || options.Security.PeerCredentials || options.Tls.ClientCertificates != ClientCertificatePolicy.None;

    /// <summary>Whether there is one on an address that others reach.</summary>
    public static bool HaveAnyOn(ListenUrl url, LoupeOptions options) =>
        HaveBearer(options.Security) || (url.IsTls && options.Tls.ClientCertificates != ClientCertificatePolicy.None);

    /// <summary>Keys or tokens, which clients send along with each call.</summary>
    public static bool HaveBearer(SecurityOptions security) => security.Keys.Length > 0 || security.Authority.Length > 0;
}
