using System.Net.Sockets;
using System.Text;
using LoupeGrpc.FunctionalTests.Infrastructure;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary>What the program says to who started it as a service.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(false)]
    // In Linux's own space of names, as systemd may have it too.
    [InlineData(true)]
    public async Task It_hears_of_ready_reloading_ready_alive_and_stopping(bool isAbstract)
    {
        var name = isAbstract ? $"loupe-test-{Guid.NewGuid():n}" : _files["notify"];
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{name}" : name));
        await using var process = ServerProcess.Start(
            ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"],
            ("NOTIFY_SOCKET", isAbstract ? $"@{name}" : name), ("WATCHDOG_USEC", "400000"), ("WATCHDOG_PID", ""));

        var ready = await NextAsync(socket, "READY=1");
        Assert.Contains($"STATUS={await process.ReadLineAsync()}", ready, StringComparison.Ordinal);
        await NextAsync(socket, "WATCHDOG=1");
        await NextAsync(socket, "WATCHDOG=1");
        await process.SignalAsync("HUP");
        Assert.Matches("MONOTONIC_USEC=[0-9]{6,}", await NextAsync(socket, "RELOADING=1"));
        await NextAsync(socket, "READY=1");
        await process.SignalAsync("TERM");
        await NextAsync(socket, "STOPPING=1");
        Assert.Equal(0, await process.ExitAsync());
    }

    [Fact]
    public async Task Nobody_there_to_hear_it_is_no_fault()
    {
        await using var process = ServerProcess.Start(
            ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"], ("NOTIFY_SOCKET", _files["gone"]));

        Assert.StartsWith("ready ", await process.ReadLineAsync(), StringComparison.Ordinal);
        await process.SignalAsync("TERM");
        Assert.Equal(0, await process.ExitAsync());
    }

    /// <summary>The next message that begins with a word, past those that do not.</summary>
    private static async Task<string> NextAsync(Socket socket, string word)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var message = Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Patience.Token()));
            if (message.StartsWith(word, StringComparison.Ordinal))
            {
                return message;
            }
        }
    }
}
