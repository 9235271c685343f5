using System.Net.Sockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.FunctionalTests.Hosting;

public class SilentPeerTests
{
    [Fact]
    public async Task A_peer_that_answers_no_pings_is_disconnected()
    {
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer(), new LoupeOptions { Connections = new ConnectionOptions { PingInterval = TimeSpan.FromSeconds(1) } });
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Server.Grpc.Host, server.Server.Grpc.Port, Patience.Token());
        // HTTP/2's preface and empty settings, and never a word again.
        await socket.SendAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0], Patience.Token());
        var buffer = new byte[1024];
        while (await socket.ReceiveAsync(buffer, Patience.Token()) > 0)
        {
        }
    }
}
