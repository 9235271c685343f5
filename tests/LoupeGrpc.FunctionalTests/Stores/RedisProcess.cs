using System.Diagnostics;
using System.Net.Sockets;
using LoupeGrpc.FunctionalTests.Infrastructure;
using StackExchange.Redis;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>Debian's redis-server, with nothing on disk. May be stopped and started again, empty, at the same port.</summary>
internal sealed class RedisProcess : IAsyncDisposable
{
    private readonly int _port = FreePort.Find();
    private readonly string[] _arguments;
    private readonly bool _isTls;
    private Process? _process;

    private RedisProcess(bool isTls, string[] arguments) => (_isTls, _arguments) = (isTls, arguments);

    /// <summary>For <c>Loupe:Sessions:Store</c>.</summary>
    /// <param name="user">Before the <c>@</c>; empty: nobody.</param>
    public string Address(string user = "") => $"{(_isTls ? "rediss" : "redis")}://{(user.Length > 0 ? user + "@" : string.Empty)}127.0.0.1:{_port}/1";

    /// <param name="arguments">Of the program, beside port and directory.</param>
    public static Task<RedisProcess> StartAsync(params string[] arguments) => StartAsync(false, arguments);

    public static async Task<RedisProcess> StartAsync(bool isTls, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/redis-server"), "redis-server is not here (Debian: redis-server)");
        var redis = new RedisProcess(isTls, arguments);
        await redis.StartAsync();
        return redis;
    }

    public async Task StartAsync()
    {
        string[] ports = _isTls ? ["--port", "0", "--tls-port", $"{_port}"] : ["--port", $"{_port}"];
        string[] arguments = [.. ports, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp", .. _arguments];
        _process = Process.Start(new ProcessStartInfo("/usr/bin/redis-server", arguments) { RedirectStandardOutput = true });
        _process!.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        var patience = Patience.Token();
        while (true)
        {
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync("127.0.0.1", _port, patience);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(20, patience);
            }
        }
    }

    public async Task StopAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(Patience.Token());
        _process.Dispose();
        _process = null;
    }

    /// <summary>As a client sees it that looks under the keys.</summary>
    public async Task<T> AskAsync<T>(Func<IDatabase, Task<T>> ask)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_port},defaultDatabase=1,allowAdmin=true");
        return await ask(connection.GetDatabase());
    }

    /// <summary>The one key that there is.</summary>
    public Task<string> KeyAsync() => AskAsync(static async redis => Assert.Single((string[])(await redis.ExecuteAsync("KEYS", "*"))!));

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await StopAsync();
        }
    }
}
