using System.Net;
using System.Net.Sockets;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>
/// Ports that a server may come back to: outside the range from which the system gives ports to whoever asks for any, where another test would take it
/// in between.
/// </summary>
internal static class FreePort
{
    public static int Find()
    {
        while (true)
        {
            var port = Random.Shared.Next(12_000, 30_000);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }
}
