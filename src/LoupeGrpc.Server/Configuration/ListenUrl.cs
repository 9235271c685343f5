using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace LoupeGrpc.Server.Configuration;

/// <summary>An address to listen on, as people write it: <c>http://HOST:PORT</c>.</summary>
/// <param name="EndPoint">Port 0: a free one.</param>
/// <param name="Host">As written, with brackets around IPv6.</param>
internal sealed record ListenUrl(IPEndPoint EndPoint, string Host)
{
    public static ListenUrl Loopback(int port) => new(new IPEndPoint(IPAddress.Loopback, port), "127.0.0.1");

    /// <summary>Reads an address; otherwise says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenUrl? url, [NotNullWhen(false)] out string? mistake)
    {
        url = null;
        mistake = null;
        const string http = "http://";
        if (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            mistake = "TLS is not available, put a proxy in front: http://HOST:PORT is wanted";
            return false;
        }

        var rest = text.StartsWith(http, StringComparison.OrdinalIgnoreCase) ? text[http.Length..].TrimEnd('/') : string.Empty;
        var colon = rest.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port > IPEndPoint.MaxPort)
        {
            mistake = "http://HOST:PORT is wanted";
            return false;
        }

        var host = rest[..colon];
        var address = host switch
        {
            "localhost" => IPAddress.Loopback,
            "*" or "+" => IPAddress.IPv6Any,
            _ => IPAddress.TryParse(host, out var parsed) ? parsed : null,
        };
        if (address is null)
        {
            mistake = $"'{host}' is no IP address, localhost or *";
            return false;
        }

        url = new ListenUrl(new IPEndPoint(address, port), host);
        return true;
    }

    /// <summary>The same with the port that was really taken.</summary>
    public string WithPort(int port) => string.Create(CultureInfo.InvariantCulture, $"http://{Host}:{port}");

    public override string ToString() => WithPort(EndPoint.Port);
}
