using System.Net;
using System.Net.Sockets;

namespace LoupeGrpc.Server.Calls;

/// <summary>Where a call comes from, and the host that this is.</summary>
internal static class PeerAddress
{
    /// <summary>Of an IPv6 address: what follows, a host chooses by itself.</summary>
    private const int NetworkBytes = 8;

    /// <summary>As gRPC writes it, for what is carried otherwise.</summary>
    public static string NameOf(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        null => "unix",
        { AddressFamily: AddressFamily.InterNetworkV6 } address => $"ipv6:[{address}]:{connection.RemotePort}",
        var address => $"ipv4:{address}:{connection.RemotePort}",
    };

    /// <param name="peer">As gRPC writes it: ipv4:192.0.2.1:5000, ipv6:[2001:db8::1]:5000.</param>
    /// <returns>Empty where there is none, as with a socket of the file system.</returns>
    public static string Of(string peer)
    {
        int scheme = peer.IndexOf(':', StringComparison.Ordinal);
        if (scheme < 0 || !IPEndPoint.TryParse(peer.AsSpan(scheme + 1), out var end) || !peer.StartsWith("ipv", StringComparison.Ordinal))
        {
            return string.Empty;
        }

        var address = end.Address.IsIPv4MappedToIPv6 ? end.Address.MapToIPv4() : end.Address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, NetworkBytes)) : address.ToString();
    }
}
