using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LoupeGrpc.Server.Configuration;

/// <summary>An address to listen on, as people write it.</summary>
internal sealed record ListenUrl
{
    /// <summary>How it is written.</summary>
    public const string Form = "http://HOST:PORT";

    private const string Localhost = "localhost";

    private ListenUrl(string host, int port) => (Host, Port) = (host, port);

    /// <summary>As written, with brackets around IPv6: an IP address, <c>localhost</c>, <c>*</c> or <c>+</c>.</summary>
    public string Host { get; }

    /// <summary>0: a free one.</summary>
    public int Port { get; }

    /// <summary>
    /// Where to listen, all on the same port. Of <c>localhost</c> one may be missing on this machine. Every interface is one address of IPv6 that takes
    /// IPv4 too, where there is IPv6.
    /// </summary>
    public IReadOnlyList<IPAddress> Addresses => Host switch
    {
        Localhost => [IPAddress.Loopback, IPAddress.IPv6Loopback],
        "*" or "+" => [Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any],
        _ => [IPAddress.Parse(Host)],
    };

    public static ListenUrl Loopback(int port) => new("127.0.0.1", port);

    /// <summary>Reads an address; otherwise says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenUrl? url, [NotNullWhen(false)] out string? error)
    {
        url = null;
        error = $"expected {Form}";
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(text);
        }
        catch (FormatException)
        {
            return false;
        }

        if (address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase))
        {
            error = $"TLS is not available; put a proxy in front and use {Form}";
            return false;
        }

        if (!address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase)
            || address.IsUnixPipe
            || address.PathBase.Length > 0
            || address.Port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort
            // Without a port it would be 80.
            || !text.TrimEnd('/').EndsWith(string.Create(CultureInfo.InvariantCulture, $":{address.Port}"), StringComparison.Ordinal))
        {
            return false;
        }

        var host = address.Host.Equals(Localhost, StringComparison.OrdinalIgnoreCase) ? Localhost : address.Host;
        if (host is not (Localhost or "*" or "+") && !IPAddress.TryParse(host, out _))
        {
            error = $"'{host}' is not an IP address, localhost or * (every interface)";
            return false;
        }

        url = new ListenUrl(host, address.Port);
        error = null;
        return true;
    }

    /// <summary>Where a client on this machine reaches what listens here.</summary>
    /// <param name="port">That was really taken.</param>
    public Uri ClientAddress(int port)
    {
        var address = Addresses[0];
        var isAnywhere = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        var host = !isAnywhere ? Host : Socket.OSSupportsIPv4 ? "127.0.0.1" : "[::1]";
        return new UriBuilder(Uri.UriSchemeHttp, host, port).Uri;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"http://{Host}:{Port}");
}
