using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LoupeGrpc.Server.Configuration;

/// <summary>An address to listen on, as people write it.</summary>
internal sealed record ListenUrl
{
    /// <summary>How it is written.</summary>
    public const string Form = "http://HOST:PORT, https://HOST:PORT or unix:/PATH";

    /// <summary>How an address is written that nothing listens on.</summary>
    public const string OffWord = "off";

    private const string Localhost = "localhost";
    private const string UnixPrefix = "unix:";

    /// <summary>Of the kernel, which has 108 with the zero at the end.</summary>
    private const int MaxSocketPathBytes = 107;

    private ListenUrl(string host, int port, bool isTls) => (Host, Port, IsTls) = (host, port, isTls);

    private ListenUrl(string socketPath)
        : this(string.Empty, 0, isTls: false) => SocketPath = socketPath;

    /// <summary>Nothing listens.</summary>
    public static ListenUrl Off { get; } = new(string.Empty, 0, isTls: false);

    public bool IsOff => this == Off;

    /// <summary>As written, with brackets around IPv6: an IP address, <c>localhost</c>, <c>*</c> or <c>+</c>. Empty: a Unix domain socket, or none.</summary>
    public string Host { get; }

    /// <summary>0: a free one.</summary>
    public int Port { get; }

    public bool IsTls { get; }

    /// <summary>Of a Unix domain socket, from the root; null: it is none.</summary>
    public string? SocketPath { get; }

    /// <summary>
    /// Where to listen, all on the same port. Of <c>localhost</c> one may be missing on this machine. Every interface is one address of IPv6 that takes
    /// IPv4 too, where there is IPv6. A Unix domain socket has none.
    /// </summary>
    public IReadOnlyList<IPAddress> Addresses => Host switch
    {
        "" => [],
        Localhost => [IPAddress.Loopback, IPAddress.IPv6Loopback],
        "*" or "+" => [Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any],
        _ => [IPAddress.Parse(Host)],
    };

    /// <summary>Whether nobody beyond this machine reaches it.</summary>
    public bool IsLocal => Addresses.All(IPAddress.IsLoopback);

    public static ListenUrl Loopback(int port) => new("127.0.0.1", port, isTls: false);

    /// <summary>Reads an address; otherwise says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenUrl? url, [NotNullWhen(false)] out string? error)
    {
        url = null;
        if (text.StartsWith(UnixPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return TryParseSocket(text[UnixPrefix.Length..], out url, out error);
        }

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

        var isTls = address.Scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);
        if ((!isTls && !address.Scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase))
            || address.IsUnixPipe
            || address.PathBase.Length > 0
            || address.Port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort
            // Without a port it would be 80 or 443.
            || !text.TrimEnd('/').EndsWith(string.Create(CultureInfo.InvariantCulture, $":{address.Port}"), StringComparison.Ordinal))
        {
            return false;
        }

        var host = address.Host.Equals(Localhost, StringComparison.OrdinalIgnoreCase) ? Localhost : address.Host;
        IPAddress? numbers = null;
        if (host is not (Localhost or "*" or "+") && !IPAddress.TryParse(host, out numbers))
        {
            error = $"'{host}' is not an IP address, localhost or * (every interface)";
            return false;
        }

        if (numbers is { IsIPv4MappedToIPv6: true })
        {
            // No socket of one family can be bound to it.
            error = $"'{host}' is an IPv4 address written as IPv6: use {numbers.MapToIPv4()}";
            return false;
        }

        url = new ListenUrl(host, address.Port, isTls);
        error = null;
        return true;
    }

    /// <summary>Where a client on this machine reaches what listens here.</summary>
    /// <param name="port">That was really taken.</param>
    public Uri ClientAddress(int port)
    {
        if (SocketPath is not null)
        {
            return new Uri(UnixPrefix + string.Join('/', SocketPath.Split('/').Select(Uri.EscapeDataString)));
        }

        var address = Addresses[0];
        var isAnywhere = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        var host = !isAnywhere ? Host : Socket.OSSupportsIPv4 ? "127.0.0.1" : "[::1]";
        return new UriBuilder(Scheme, host, port).Uri;
    }

    public override string ToString() => IsOff ? OffWord : SocketPath is not null ? UnixPrefix + SocketPath : string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{Host}:{Port}");

    private string Scheme => IsTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;

    private static bool TryParseSocket(string path, [NotNullWhen(true)] out ListenUrl? url, [NotNullWhen(false)] out string? error)
    {
        error = !path.StartsWith('/') || path.EndsWith('/') || path.Contains('\0', StringComparison.Ordinal) ? "expected unix:/PATH, the path of a socket from the root"
            : Encoding.UTF8.GetByteCount(path) > MaxSocketPathBytes ? $"the path of a socket has at most {MaxSocketPathBytes} bytes"
            : null;
        url = error is null ? new ListenUrl(path) : null;
        return error is null;
    }
}
