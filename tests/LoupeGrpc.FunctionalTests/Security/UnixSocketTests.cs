using System.Net.Sockets;
using Grpc.Core;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;

namespace LoupeGrpc.FunctionalTests.Security;

public sealed class UnixSocketTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    private string Socket => _files["loupe.sock"];

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_neighbour_is_served_over_a_socket_of_the_mode_that_is_set()
    {
        await using (var server = await StartAsync(new LoupeOptions(), mode: "600"))
        {
            using var client = await LoupeClient.ConnectAsync(new LoupeClientOptions { Address = server.Server.Grpc }, Patience.Token());
            Assert.Equal("scripted", (await client.GetServerInfoAsync(Patience.Token())).Model.Name);
            Assert.Equal($"unix:{Socket}", client.Address.OriginalString);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(Socket).UnixFileMode);
            using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(change: Through)));
            Assert.Empty(Assert.Single(server.Sessions.List()).Opening.Owner);
        }

        Assert.False(File.Exists(Socket));
    }

    [Fact]
    public async Task Who_connects_is_known_by_user_where_that_is_asked_for()
    {
        var security = new SecurityOptions { PeerCredentials = true };
        await using var server = await StartAsync(new LoupeOptions { Security = security });
        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(change: Through)));
        Assert.Equal($"user:{GetUserId()}", Assert.Single(server.Sessions.List()).Opening.Owner);
    }

    [Fact]
    public async Task A_user_has_the_role_that_is_set()
    {
        var security = new SecurityOptions { PeerCredentials = true, Identities = [new IdentityOptions { Name = $"user:{GetUserId()}", Role = "observe" }] };
        await using var server = await StartAsync(new LoupeOptions { Security = security });
        Assert.Equal(StatusCode.PermissionDenied, await SecureServer.AskAsync(server.Calls(change: Through)));
    }

    [Fact]
    public async Task What_a_dead_server_left_is_replaced_and_a_living_one_is_left_alone()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // As after a kill -9: .NET would remove it.
            dead.Bind(new UnixDomainSocketEndPoint(Socket + ".other"));
            File.Move(Socket + ".other", Socket);
        }

        Assert.True(File.Exists(Socket));
        await using var server = await StartAsync(new LoupeOptions());
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(change: Through)));

        var error = await Assert.ThrowsAsync<ListenException>(() => StartAsync(new LoupeOptions()));
        Assert.Equal($"cannot listen on unix:{Socket}: another server listens there. Choose another address with --listen or Loupe:Endpoints:Grpc.", error.Message);
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(change: Through)));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("folder")]
    [InlineData("link")]
    public async Task What_is_not_a_socket_is_not_removed(string kind)
    {
        switch (kind)
        {
            case "file":
                await File.WriteAllTextAsync(Socket, "precious", Patience.Token());
                break;
            case "folder":
                Directory.CreateDirectory(Socket);
                break;
            default:
                await File.WriteAllTextAsync(_files["elsewhere"], "precious", Patience.Token());
                File.CreateSymbolicLink(Socket, _files["elsewhere"]);
                break;
        }

        var error = await Assert.ThrowsAsync<ListenException>(() => StartAsync(new LoupeOptions()));

        Assert.StartsWith($"cannot listen on unix:{Socket}: ", error.Message, StringComparison.Ordinal);
        Assert.True(Path.Exists(Socket));
        Assert.True(kind == "folder" || await File.ReadAllTextAsync(Socket, Patience.Token()) == "precious");
    }

    private Task<SecureServer> StartAsync(LoupeOptions options, string mode = "660")
    {
        Assert.True(ListenUrl.TryParse($"unix:{Socket}", out var url, out var error), error);
        return SecureServer.StartAsync(options, endpoints: new EndpointOptions { Grpc = url, Operations = ListenUrl.Loopback(0), Web = ListenUrl.Off, SocketMode = mode });
    }

    private void Through(SocketsHttpHandler handler) => handler.ConnectCallback = async (_, token) =>
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), token);
        return new NetworkStream(socket, ownsSocket: true);
    };

    /// <summary>Of this process, as the kernel says.</summary>
    private static string GetUserId() =>
        File.ReadLines("/proc/self/status").Single(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2];
}
