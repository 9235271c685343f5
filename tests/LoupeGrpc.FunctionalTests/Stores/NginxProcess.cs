using System.Diagnostics;
using System.Net.Sockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>Debian's nginx with <c>deploy/nginx/loupe.conf</c>, in which the places are this test's, and nothing else is changed.</summary>
internal sealed class NginxProcess : IAsyncDisposable
{
    private static readonly string[] Temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

    private readonly Process _process;

    private NginxProcess(Process process, int port) => (_process, Address) = (process, new Uri($"https://127.0.0.1:{port}"));

    public Uri Address { get; }

    /// <param name="folder">Has <c>tls.pem</c> and <c>tls.key</c>.</param>
    /// <param name="ports">Of the two servers.</param>
    public static async Task<NginxProcess> StartAsync(string folder, params int[] ports)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/nginx"), "nginx is not here (Debian: nginx-light)");
        var port = FreePort.Find();
        var text = await File.ReadAllTextAsync(Path.Combine(TestData.RepositoryRoot, "deploy", "nginx", "loupe.conf"), Patience.Token());
        foreach (var (old, now) in new[]
        {
            ("loupe-1:5005", $"127.0.0.1:{ports[0]}"), ("loupe-2:5005", $"127.0.0.1:{ports[1]}"), ("loupe-1:5007", "127.0.0.1:9"), ("loupe-2:5007", "127.0.0.1:9"),
            ("listen 443 ", $"listen 127.0.0.1:{port} "), ("/etc/loupe-grpc/", $"{folder}/"),
        })
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            text = text.Replace(old, now, StringComparison.Ordinal);
        }

        var temporary = string.Join('\n', Temporary.Select(kind => $"{kind}_temp_path {folder}/{kind};"));
        await File.WriteAllTextAsync(Path.Combine(folder, "loupe.conf"), text, Patience.Token());
        await File.WriteAllTextAsync(
            Path.Combine(folder, "nginx.conf"),
            $"daemon off; pid {folder}/pid; error_log {folder}/error.log info;\nevents {{}}\nhttp {{ access_log off;\n{temporary}\ninclude {folder}/loupe.conf;\n}}\n",
            Patience.Token());
        var process = Process.Start(new ProcessStartInfo("/usr/sbin/nginx", ["-p", folder, "-c", Path.Combine(folder, "nginx.conf")]))!;
        var nginx = new NginxProcess(process, port);
        var patience = Patience.Token();
        while (true)
        {
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync("127.0.0.1", port, patience);
                return nginx;
            }
            catch (SocketException)
            {
                Assert.False(process.HasExited, "nginx did not start");
                await Task.Delay(20, patience);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Its worker goes with it only where it is asked.
        await _process.SignalAsync("TERM");
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
