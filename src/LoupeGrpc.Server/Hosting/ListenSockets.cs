using System.Net;
using System.Net.Sockets;
using LoupeGrpc.Server.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// The sockets of one address to listen on, all bound to one port. Kestrel takes them over; it cannot choose a free port for both loopbacks.
/// </summary>
internal sealed class ListenSockets : IDisposable
{
    /// <summary>A port that is free on one loopback may be taken on the other.</summary>
    private const int Attempts = 16;

    private readonly List<Socket> _sockets;
    private readonly List<Socket> _taken = [];

    private ListenSockets(List<Socket> sockets)
    {
        _sockets = sockets;
        Port = sockets[0].LocalEndPoint is IPEndPoint { Port: var port } ? port : 0;
    }

    /// <summary>Where they are bound, with the port that was taken.</summary>
    public IEnumerable<EndPoint> EndPoints => _sockets.Select(static socket => socket.LocalEndPoint!);

    /// <summary>0: a Unix domain socket.</summary>
    public int Port { get; }

    /// <param name="socketMode">Of a Unix domain socket: three octal digits.</param>
    /// <param name="settings">That choose the address, for people.</param>
    /// <exception cref="ListenException"/>
    public static ListenSockets Bind(ListenUrl url, string socketMode, string settings)
    {
        if (url.SocketPath is { } path)
        {
            try
            {
                return new ListenSockets([UnixSocket.Bind(path, socketMode)]);
            }
            catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
            {
                throw new ListenException(url, settings, exception.Message, exception);
            }
        }

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new ListenSockets(BindAll(url));
            }
            catch (SocketException) when (url is { Port: 0, Addresses.Count: > 1 } && attempt < Attempts)
            {
            }
            catch (SocketException exception)
            {
                throw new ListenException(url, settings, exception.Message, exception);
            }
        }
    }

    /// <summary>Hands one over. Null: it is not one of these.</summary>
    public Socket? Take(EndPoint endPoint)
    {
        // Of Unix domain sockets not every two with one path are equal.
        var socket = _sockets.Find(socket => socket.LocalEndPoint?.ToString() == endPoint.ToString());
        if (socket is not null)
        {
            _sockets.Remove(socket);
            _taken.Add(socket);
        }

        return socket;
    }

    /// <summary>Nobody connects any more; connections stay. Kestrel takes a closed socket for the end of its accepting, and closes it once more when it stops.</summary>
    public void Close() => _taken.ForEach(static socket => socket.Dispose());

    public void Dispose() => _sockets.ForEach(static socket => socket.Dispose());

    private static List<Socket> BindAll(ListenUrl url)
    {
        List<Socket> sockets = [];
        SocketException? missing = null;
        try
        {
            foreach (var address in url.Addresses)
            {
                var endPoint = new IPEndPoint(address, sockets.Count > 0 ? EndPointOf(sockets[0]).Port : url.Port);
                try
                {
                    sockets.Add(SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint));
                }
                catch (SocketException exception)
                    when (exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported && url.Addresses.Count > 1)
                {
                    missing = exception;
                }
            }

            return sockets.Count > 0 ? sockets : throw missing!;
        }
        catch
        {
            sockets.ForEach(static socket => socket.Dispose());
            throw;
        }
    }

    private static IPEndPoint EndPointOf(Socket socket) => (IPEndPoint)socket.LocalEndPoint!;
}
