using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client.Events;

/// <summary>A real broker on a port of its own, which can be stopped and comes back, and knows one user. Disposing kills it and who listens.</summary>
internal sealed class Mosquitto : IAsyncDisposable
{
    public const string Missing = "mosquitto is not installed: scripts/prerequisites.sh test";

    private static readonly string Program = "/usr/sbin/mosquitto";

    private readonly TemporaryDirectory _folder = new();
    private readonly ConcurrentQueue<(string Topic, string Payload)> _heard = [];
    private Process? _broker;
    private Process? _listener;

    private Mosquitto(int port) => Port = port;

    public static bool IsInstalled { get; } = File.Exists(Program) && File.Exists("/usr/bin/mosquitto_sub");

    public int Port { get; }

    /// <summary>What `mosquitto_sub` heard, in order.</summary>
    public IReadOnlyList<(string Topic, string Payload)> Heard => [.. _heard];

    /// <param name="certificate">PEM files of certificate and key; null: no TLS.</param>
    /// <param name="topics">What the user `cam` may write to; null: all.</param>
    public static async Task<Mosquitto> StartAsync((string File, string Key)? certificate = null, string? topics = null)
    {
        var broker = new Mosquitto(FreePort.Find());
        SystemTool.Run("mosquitto_passwd", "-b", "-c", broker._folder["passwords"], "cam", "s3cret");
        SystemTool.Run("mosquitto_passwd", "-b", broker._folder["passwords"], "listener", "l1stener");
        await File.WriteAllTextAsync(
            broker._folder["acl"], $"user listener\ntopic read #\nuser cam\ntopic write {topics ?? "#"}\n", Patience.Token());
        await File.WriteAllTextAsync(
            broker._folder["mosquitto.conf"],
            string.Create(CultureInfo.InvariantCulture, $"""
                user root
                listener {broker.Port} 127.0.0.1
                allow_anonymous false
                password_file {broker._folder["passwords"]}
                acl_file {broker._folder["acl"]}
                persistence true
                persistence_location {broker._folder.FullName}/
                {(certificate is { } own ? $"certfile {own.File}\nkeyfile {own.Key}" : "")}

                """),
            Patience.Token());
        await broker.ComeBackAsync();
        return broker;
    }

    /// <summary>As `--events` takes it.</summary>
    public string Address(string topic, string credentials = "cam:s3cret@", string scheme = "mqtt") =>
        string.Create(CultureInfo.InvariantCulture, $"{scheme}://{credentials}127.0.0.1:{Port}/{topic}");

    /// <summary>Subscribes to everything, for good: what the broker takes while the listener is cut off comes later.</summary>
    public async Task ListenAsync(string? authority = null)
    {
        var start = new ProcessStartInfo("mosquitto_sub", ["-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-u", "listener", "-P", "l1stener", "-i", "listener", "-c", "-q", "1", "-t", "#", "-v"])
        {
            RedirectStandardOutput = true,
        };
        if (authority is not null)
        {
            start.ArgumentList.Add("--cafile");
            start.ArgumentList.Add(authority);
        }

        _listener = Process.Start(start)!;
        _listener.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Split(' ', 2) is [var topic, var payload])
            {
                _heard.Enqueue((topic, payload));
            }
        };
        _listener.BeginOutputReadLine();

        // Subscribed is whoever hears.
        while (_heard.IsEmpty)
        {
            SystemTool.Run("mosquitto_pub", [
                "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-u", "cam", "-P", "s3cret", "-t", "hello", "-m", "hello", .. authority is null ? [] : new[] { "--cafile", authority }]);
            await Task.Delay(50, Patience.Token());
        }
    }

    public Task HeardAsync(Func<IReadOnlyList<(string Topic, string Payload)>, bool> condition) => Patience.UntilAsync(() => condition(Heard));

    /// <param name="forgets">Else what it knows when it goes it knows when it comes back.</param>
    public async Task GoAsync(bool forgets = false)
    {
        await _broker!.SignalAsync("TERM");
        await _broker!.WaitForExitAsync(Patience.Token());
        _broker.Dispose();
        _broker = null;
        if (forgets)
        {
            File.Delete(_folder["mosquitto.db"]);
        }
    }

    public async Task ComeBackAsync()
    {
        _broker = Process.Start(new ProcessStartInfo(Program, ["-c", _folder["mosquitto.conf"]]) { RedirectStandardError = true })!;
        _broker.ErrorDataReceived += static (_, _) => { };
        _broker.BeginErrorReadLine();
        await Patience.UntilAsync(() =>
        {
            Assert.False(_broker.HasExited);
            using var socket = new TcpClient();
            try
            {
                socket.Connect("127.0.0.1", Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in new[] { _listener, _broker }.OfType<Process>())
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        _folder.Dispose();
    }
}
