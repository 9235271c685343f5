using System.Net;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// By which names a server is called that asks nobody who they are. A page can have its own name lead to this machine (DNS rebinding): to a browser the server is then
/// the page's own, and nothing but the name tells the two apart. Where calls come that no browser makes, any name will do: over gRPC, TLS and Unix sockets. ASP.NET's own
/// filter of hosts knows neither the listener that a call came to nor who else may be asked.
/// </summary>
internal sealed class HostNames(RequestDelegate next, LoupeOptions options)
{
    private const string Localhost = "localhost";

    private readonly HashSet<string> _known = new(WordsAttribute.Split(options.Security.Hosts), StringComparer.OrdinalIgnoreCase);
    private readonly bool _anyWillDo = AuthenticationMethods.HaveAny(options) || options.Security.Open;

    public Task InvokeAsync(HttpContext context)
    {
        if (!_anyWillDo && IsReachedByBrowsers(context) && !IsKnown(context.Request.Host.Host.TrimEnd('.')))
        {
            context.Features.Set(new CallerRefusal(
                "no authentication is configured, so only requests to an IP address, to localhost or to a name in Loupe:Security:Hosts are answered", RefusalKind.WrongHost));
        }

        return next(context);
    }

    private static bool IsReachedByBrowsers(HttpContext context) =>
        context.Features.Get<ServedOn>()?.Listener != Listener.Grpc && !context.Request.IsHttps && context.Connection.RemoteIpAddress is not null;

    /// <summary>An address leads nowhere else; <c>localhost</c> and what stands below it belong to no domain (RFC 6761, section 6.3). Browsers send always one.</summary>
    private bool IsKnown(string name) =>
        name.Length == 0
        || IPAddress.TryParse(name, out _)
        || name.Equals(Localhost, StringComparison.OrdinalIgnoreCase)
        || name.EndsWith($".{Localhost}", StringComparison.OrdinalIgnoreCase)
        || _known.Contains(WordsAttribute.All)
        || _known.Contains(name);
}
